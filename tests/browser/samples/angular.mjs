// A form of an Angular site: reactive forms; a mail is taken over when the field is left. Compiled in the page (JIT): no build of its own.
import '@angular/compiler';
import { ChangeDetectorRef, Component, inject, provideZonelessChangeDetection } from '@angular/core';
import { FormControl, FormGroup, ReactiveFormsModule, Validators } from '@angular/forms';
import { bootstrapApplication } from '@angular/platform-browser';

class Form {
  form = new FormGroup({
    name: new FormControl('', { validators: [Validators.required], nonNullable: true }), phone: new FormControl('', { nonNullable: true }),
    mail: new FormControl('', { updateOn: 'blur', nonNullable: true }), country: new FormControl('', { nonNullable: true }), plan: new FormControl('', { nonNullable: true }),
    terms: new FormControl(false, { nonNullable: true }), date: new FormControl('', { nonNullable: true }), note: new FormControl('', { nonNullable: true }),
  });
  countries = ['', 'de', 'fr', 'pl'];
  sent = null;

  constructor() {
    window.model = () => this.form.value;
    const page = inject(ChangeDetectorRef);
    this.form.controls.phone.valueChanges.subscribe((v) => {
      const nice = v.replace(/\D/g, '').replace(/(\d{3})(?=\d)/g, '$1 ');
      if (nice !== v) this.form.controls.phone.setValue(nice, { emitEvent: false });
    });
    this.form.events.subscribe(() => page.markForCheck());
  }
  send() { this.sent = JSON.stringify(this.form.value); }
}

const App = Component({
  selector: 'sample-form', standalone: true, imports: [ReactiveFormsModule],
  template: `<form [formGroup]="form" (ngSubmit)="send()" ngNativeValidate>
    <label>name<input id="name" formControlName="name" required maxlength="20"></label>
    <label>phone<input id="phone" formControlName="phone"></label>
    <label>mail<input id="mail" type="email" formControlName="mail"></label>
    <label>date<input id="date" type="date" min="2026-01-01" formControlName="date"></label>
    <label>country<select id="country" formControlName="country">@for (c of countries; track c) { <option [value]="c">{{ c || 'none' }}</option> }</select></label>
    <label>basic<input type="radio" id="basic" value="basic" formControlName="plan"></label>
    <label>full<input type="radio" id="full" value="full" formControlName="plan"></label>
    <label>terms<input id="terms" type="checkbox" formControlName="terms"></label>
    <label>note<textarea id="note" formControlName="note"></textarea></label>
    <button id="send" [disabled]="!form.value.terms">Send</button>
    @if (form.controls.name.touched) { <p id="touched">touched</p> }
    @if (sent) { <output id="sent">{{ sent }}</output> }
  </form>`,
})(Form) ?? Form;

bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
