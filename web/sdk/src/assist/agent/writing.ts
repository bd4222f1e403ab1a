/** The field of the text tool, where the agent clicked; Enter or leaving it writes, Escape does not. */
export class Writing {
  private field_: HTMLInputElement | null = null;

  constructor(
    private readonly parent_: HTMLElement,
    private readonly label_: string,
  ) {}

  /** `left`, `top`: CSS pixels in the parent. */
  open(left: number, top: number, color: string, written: (text: string) => void): void {
    this.close();
    const field = document.createElement('input');
    field.className = 'writing';
    field.dataset.test = 'assist-writing';
    field.maxLength = 200;
    field.setAttribute('aria-label', this.label_);
    Object.assign(field.style, { left: `${left}px`, top: `${top}px`, color });
    const write = () => {
      if (this.field_ !== field) return; // Removing it takes its focus, which says `blur`.
      const text = field.value.trim();
      this.close();
      if (text) written(text);
    };
    field.addEventListener('blur', write);
    field.addEventListener('keydown', (event) => {
      event.stopPropagation();
      if (event.key === 'Escape') this.close();
      else if (event.key === 'Enter' && !event.isComposing) write();
    });
    this.field_ = field;
    this.parent_.append(field);
    field.focus();
  }

  close(): void {
    const field = this.field_;
    this.field_ = null;
    field?.remove();
  }
}
