// A form of a React site: every field is controlled, the state is what counts.
import { createElement as h, useState } from 'react';
import { createRoot } from 'react-dom/client';

const empty = { name: '', phone: '', mail: '', country: '', plan: '', terms: false, date: '', note: '' };

function Form() {
  const [value, setValue] = useState(empty);
  const [sent, setSent] = useState(null);
  const [touched, setTouched] = useState(false);
  window.model = () => value;
  const put = (name, v) => setValue((old) => ({ ...old, [name]: v }));
  const text = (name, more = {}) => h('label', null, name, h('input', { id: name, value: value[name], onChange: (e) => put(name, e.target.value), ...more }));
  return h('form', { onSubmit: (e) => { e.preventDefault(); setSent(value); } },
    text('name', { required: true, maxLength: 20, onBlur: () => setTouched(true) }),
    // Writes what was typed in another form than it was typed in.
    text('phone', { inputMode: 'tel', onChange: (e) => put('phone', e.target.value.replace(/\D/g, '').replace(/(\d{3})(?=\d)/g, '$1 ')) }),
    text('mail', { type: 'email' }),
    text('date', { type: 'date', min: '2026-01-01' }),
    h('label', null, 'country', h('select', { id: 'country', value: value.country, onChange: (e) => put('country', e.target.value) },
      ['', 'de', 'fr', 'pl'].map((c) => h('option', { key: c, value: c }, c || 'none')))),
    ['basic', 'full'].map((p) => h('label', { key: p }, p, h('input', { type: 'radio', name: 'plan', id: p, value: p, checked: value.plan === p, onChange: () => put('plan', p) }))),
    h('label', null, 'terms', h('input', { id: 'terms', type: 'checkbox', checked: value.terms, onChange: (e) => put('terms', e.target.checked) })),
    h('label', null, 'note', h('textarea', { id: 'note', value: value.note, onChange: (e) => put('note', e.target.value) })),
    h('button', { id: 'send', disabled: !value.terms }, 'Send'),
    touched && h('p', { id: 'touched' }, 'touched'),
    sent && h('output', { id: 'sent' }, JSON.stringify(sent)));
}
createRoot(document.getElementById('app')).render(h(Form));
