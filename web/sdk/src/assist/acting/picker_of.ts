// Whose list or calendar it is: what must not be seen of a field must not be seen in its list either.
const fields = new WeakMap<Element, Element>();

export function belongsTo(picker: Element, field: Element): void {
  fields.set(picker, field);
}

/** null: the element is no list or calendar of ours. */
export const fieldOf = (picker: Element): Element | null => fields.get(picker) ?? null;
