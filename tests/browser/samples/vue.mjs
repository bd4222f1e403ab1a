// A form of a Vue site: v-model in its kinds (plain, lazy, number, trim), the reactive state is what counts.
import { createApp, reactive, ref } from 'vue/dist/vue.esm-bundler.js';

createApp({
  setup() {
    const value = reactive({ name: '', phone: '', mail: '', country: '', plan: '', terms: false, date: '', note: '' });
    const sent = ref(null), touched = ref(false);
    window.model = () => ({ ...value });
    const phone = (e) => { value.phone = e.target.value.replace(/\D/g, '').replace(/(\d{3})(?=\d)/g, '$1 '); };
    return { value, sent, touched, phone, send: () => { sent.value = JSON.stringify(value); } };
  },
  template: `<form @submit.prevent="send">
    <label>name<input id="name" v-model.trim="value.name" required maxlength="20" @blur="touched = true"></label>
    <label>phone<input id="phone" :value="value.phone" @input="phone"></label>
    <label>mail<input id="mail" type="email" v-model.lazy="value.mail"></label>
    <label>date<input id="date" type="date" min="2026-01-01" v-model="value.date"></label>
    <label>country<select id="country" v-model="value.country"><option v-for="c in ['', 'de', 'fr', 'pl']" :value="c">{{ c || 'none' }}</option></select></label>
    <label v-for="p in ['basic', 'full']">{{ p }}<input type="radio" name="plan" :id="p" :value="p" v-model="value.plan"></label>
    <label>terms<input id="terms" type="checkbox" v-model="value.terms"></label>
    <label>note<textarea id="note" v-model="value.note"></textarea></label>
    <button id="send" :disabled="!value.terms">Send</button>
    <p id="touched" v-if="touched">touched</p>
    <output id="sent" v-if="sent">{{ sent }}</output>
  </form>`,
}).mount('#app');
