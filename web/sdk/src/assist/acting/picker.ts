// Lists and calendars of our own. A script may not open the browser's (`showPicker` wants a person's hand), and pictures would not show
// them. They lie in the page, in an open shadow root, so that the agent sees and uses them like any other part of it.
import { fire, isDisabled, isHtml, isInput, isPicked, isSelect, realmOf, setNatively } from './dom';
import { colourCells, dayCells, monthCells, shownFor, timeCells, turn, type Bounds, type Cell, type PickType, type Shown } from './pick_values';
import { belongsTo } from './picker_of';
import { kPickerStyle } from './picker_style';

type Picked = HTMLInputElement | HTMLSelectElement;

/** Whether a list or calendar of ours opens for an element. */
export const isOpened = (field: Element): field is Picked =>
  isSelect(field) ? !field.multiple && field.size <= 1 : isPicked(field) && !field.readOnly;

/** Calls the page's listeners; the actor shields us from them. */
export class Picker {
  private host_: HTMLElement | null = null;
  private root_: ShadowRoot | null = null;
  private field_: Picked | null = null;
  private cells_: HTMLElement[] = [];
  private at_ = -1;
  private columns_ = 1;
  private shown_: Shown = { year: 0, month: 0 };
  /** The day chosen while the time of day is still to be. */
  private day_ = '';
  private readonly outside_ = (event: Event): void => {
    const path = event.composedPath();
    if (this.host_ && !path.includes(this.host_) && !path.includes(this.field_!)) this.close();
  };

  constructor(private readonly chosen_: (field: Element) => void) {}

  get open(): boolean {
    return this.host_ !== null;
  }

  get element(): Element | null {
    return this.host_;
  }

  /** false: nothing of ours for this element. */
  show(field: Picked): boolean {
    const again = this.field_ === field && this.open;
    this.close();
    if (again) return true; // A second press closes it.
    if (!isOpened(field) || isDisabled(field)) return false;
    this.field_ = field;
    this.day_ = '';
    this.shown_ = shownFor(field.value, new Date());
    this.build(field);
    this.render();
    return true;
  }

  close(): void {
    const field = this.field_;
    field?.ownerDocument.removeEventListener('pointerdown', this.outside_, { capture: true });
    field?.ownerDocument.removeEventListener('scroll', this.outside_, { capture: true });
    this.host_?.remove();
    this.host_ = this.root_ = this.field_ = null;
    this.cells_ = [];
  }

  /** true: the key was for the list. */
  key(key: string): boolean {
    if (!this.open) return false;
    const moves: Record<string, number> = { ArrowUp: -this.columns_, ArrowDown: this.columns_, ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 };
    if (key === 'Escape' || key === 'Tab') this.close();
    else if (key === 'Enter' || key === ' ') this.cells_[this.at_]?.click();
    else if (key === 'PageUp' || key === 'PageDown') this.turnBy(key === 'PageUp' ? -1 : 1);
    else if (moves[key] !== undefined) this.mark(this.at_ + moves[key]);
    else if ([...key].length === 1) this.search(key);
    return key !== 'Tab';
  }

  private build(field: Picked): void {
    const { ownerDocument } = field;
    const host = ownerDocument.createElement('parley-picker');
    host.setAttribute('data-parley-picker', '');
    belongsTo(host, field);
    const root = host.attachShadow({ mode: 'open' });
    style(root, realmOf(field));
    ownerDocument.addEventListener('pointerdown', this.outside_, { capture: true });
    ownerDocument.addEventListener('scroll', this.outside_, { capture: true });
    // Outside of a modal dialog everything is inert.
    (modalAround(field) ?? ownerDocument.documentElement).append(host);
    try {
      host.popover = 'manual';
      host.showPopover(); // Above dialogs and everything else, where the browser can.
    } catch {
      host.removeAttribute('popover');
    }
    this.host_ = host;
    this.root_ = root;
  }

  private place(field: Picked): void {
    const host = this.host_!;
    const box = field.getBoundingClientRect();
    const { innerWidth, innerHeight } = realmOf(field);
    if (isSelect(field)) host.style.setProperty('min-width', `${Math.round(box.width)}px`);
    const below = innerHeight - box.bottom - 8;
    const above = box.top - 8;
    const up = below < Math.min(host.scrollHeight, 200) && above > below;
    host.style.setProperty('max-height', `${Math.max(80, Math.min(340, up ? above : below))}px`);
    const height = host.getBoundingClientRect().height;
    host.style.setProperty('top', `${Math.round(up ? box.top - height - 2 : box.bottom + 2)}px`);
    host.style.setProperty('left', `${Math.round(Math.max(4, Math.min(box.left, innerWidth - host.offsetWidth - 4)))}px`);
    this.cells_[this.at_]?.scrollIntoView({ block: 'center' });
  }

  private render(): void {
    const field = this.field_!;
    const root = this.root_!;
    this.cells_ = [];
    root.replaceChildren();
    if (isSelect(field)) this.renderList(field);
    else this.renderGrid(field);
    this.at_ = this.cells_.findIndex((c) => c.getAttribute('aria-selected') === 'true');
    if (this.at_ >= 0) this.mark(this.at_);
    this.place(field);
  }

  private renderList(field: HTMLSelectElement): void {
    const list = this.box('div', 'list', 'listbox');
    this.columns_ = 1;
    let group: Element | null = null;
    for (const option of field.options) {
      const parent = option.parentElement;
      if (isHtml(parent, 'optgroup') && parent !== group) {
        group = parent;
        const head = this.box('div', 'group', 'presentation');
        head.textContent = (parent as HTMLOptGroupElement).label;
        list.append(head);
      }
      if (option.hidden) continue;
      const disabled = option.disabled || (isHtml(parent, 'optgroup') && (parent as HTMLOptGroupElement).disabled);
      const cell = { label: option.label || option.text || '\u00a0', value: option.value, selected: option.selected, disabled };
      list.append(this.cell(cell, () => this.choose(field, option)));
    }
    this.root_!.append(list);
  }

  private renderGrid(field: HTMLInputElement): void {
    const type = field.type as PickType;
    const { cells, columns, title, turns } = this.page(field, type);
    this.columns_ = columns;
    if (title) this.root_!.append(this.head(title, turns));
    const grid = this.box('div', `grid ${type}`, 'listbox');
    grid.style.setProperty('grid-template-columns', `repeat(${columns}, 1fr)`);
    if (columns === 7) grid.append(...this.weekdays(field));
    for (const each of cells) {
      const cell = this.cell(each, () => this.chooseValue(field, each.value));
      if (type === 'color') cell.style.setProperty('background-color', each.value);
      grid.append(cell);
    }
    this.root_!.append(grid);
  }

  private page(field: HTMLInputElement, type: PickType): { cells: Cell[]; columns: number; title: string; turns: number } {
    const bounds: Bounds = { min: field.min, max: field.max };
    const language = field.ownerDocument.documentElement.lang || undefined;
    const say = (options: Intl.DateTimeFormatOptions) => formatter(language, { ...options, timeZone: 'UTC' });
    const month = (m: number) => say({ month: 'short' }).format(new Date(Date.UTC(2000, m, 1)));
    if (type === 'color') return { cells: colourCells(field.value), columns: 8, title: '', turns: 0 };
    if (type === 'time') return { cells: timeCells(field.value, bounds, field.step), columns: 4, title: '', turns: 0 };
    if (this.day_) return { cells: timeCells(field.value.slice(11), { min: '', max: '' }, field.step), columns: 4, title: this.day_, turns: 0 };
    if (type === 'month') return { cells: monthCells(this.shown_, field.value, bounds, month), columns: 3, title: String(this.shown_.year), turns: 12 };
    const name = say({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
    const title = say({ month: 'long', year: 'numeric' }).format(Date.UTC(this.shown_.year, this.shown_.month, 1));
    return { cells: dayCells(type, this.shown_, field.value, bounds, (d) => name.format(d)), columns: 7, title, turns: 1 };
  }

  private weekdays(field: Element): HTMLElement[] {
    const day = formatter(field.ownerDocument.documentElement.lang || undefined, { weekday: 'short', timeZone: 'UTC' });
    return Array.from({ length: 7 }, (_, i) => {
      const name = this.box('div', 'weekday', 'presentation');
      name.textContent = day.format(Date.UTC(2024, 0, 1 + i)); // A Monday.
      return name;
    });
  }

  private head(title: string, turns: number): HTMLElement {
    const head = this.box('div', 'head', 'group');
    const text = this.box('span', '', '');
    text.textContent = title;
    if (turns === 0) head.append(text);
    else head.append(this.turner('‹', -turns), text, this.turner('›', turns));
    return head;
  }

  private turner(label: string, months: number): HTMLElement {
    const button = this.box('button', 'turn', '') as HTMLButtonElement;
    button.type = 'button';
    button.textContent = label;
    button.setAttribute('aria-label', months < 0 ? '−' : '+');
    button.addEventListener('click', () => this.turnBy(Math.sign(months)));
    return button;
  }

  private turnBy(direction: number): void {
    const field = this.field_;
    if (!isInput(field) || this.day_ || field.type === 'time' || field.type === 'color') return;
    this.shown_ = turn(this.shown_, direction * (field.type === 'month' ? 12 : 1));
    this.render();
  }

  private box(name: string, className: string, role: string): HTMLElement {
    const element = this.host_!.ownerDocument.createElement(name);
    if (className) element.className = className;
    if (role) element.setAttribute('role', role);
    return element;
  }

  private cell({ label, name, selected, disabled, muted }: Cell, choose: () => void): HTMLElement {
    const cell = this.box('div', `cell${muted ? ' muted' : ''}`, 'option');
    cell.textContent = label;
    if (name) cell.setAttribute('aria-label', name);
    cell.setAttribute('aria-selected', String(selected));
    if (disabled) cell.setAttribute('aria-disabled', 'true');
    else {
      cell.addEventListener('click', choose);
      this.cells_.push(cell);
    }
    return cell;
  }

  private mark(at: number): void {
    if (this.cells_.length === 0) return;
    this.cells_[this.at_]?.classList.remove('at');
    this.at_ = Math.max(0, Math.min(this.cells_.length - 1, at));
    const cell = this.cells_[this.at_]!;
    cell.classList.add('at');
    cell.scrollIntoView({ block: 'nearest' });
  }

  private search(letter: string): void {
    const from = this.at_ + 1;
    const order = [...this.cells_.keys()].map((i) => (i + from) % this.cells_.length);
    const hit = order.find((i) => this.cells_[i]!.textContent!.trim().toLowerCase().startsWith(letter.toLowerCase()));
    if (hit !== undefined) this.mark(hit);
  }

  private choose(field: HTMLSelectElement, option: HTMLOptionElement): void {
    this.close();
    if (option.selected || isDisabled(field) || !option.isConnected) return;
    setNatively(field, 'value', option.value);
    if (!option.selected) setNatively(option, 'selected', true); // Two options may share a value.
    this.tell(field);
  }

  private chooseValue(field: HTMLInputElement, value: string): void {
    if (field.type === 'datetime-local' && !this.day_) {
      this.day_ = value;
      this.render();
      return;
    }
    const whole = this.day_ ? `${this.day_}T${value}` : value;
    this.close();
    if (isDisabled(field) || field.readOnly || field.value === whole) return;
    setNatively(field, 'value', whole);
    this.tell(field);
  }

  private tell(field: Element): void {
    fire(field, 'input');
    fire(field, 'change');
    this.chosen_(field);
  }
}

/** A page may claim a language that is none. */
function formatter(language: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(language, options);
  } catch {
    return new Intl.DateTimeFormat(undefined, options);
  }
}

function modalAround(element: Element): Element | null {
  try {
    return element.closest('dialog:modal');
  } catch {
    return null;
  }
}

/** A constructed sheet passes any Content-Security-Policy; an old browser gets an element. */
function style(root: ShadowRoot, realm: Window & typeof globalThis): void {
  try {
    const sheet = new realm.CSSStyleSheet();
    sheet.replaceSync(kPickerStyle);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const element = root.ownerDocument.createElement('style');
    element.textContent = kPickerStyle;
    root.append(element);
  }
}
