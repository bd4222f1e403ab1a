// Members of elements by way of their prototypes: a form's named fields hide the form's own (`<input name="children">`), and components
// have members of their own that are called like the browser's.

const member = <T>(of: () => object, name: string): ((node: Node) => T) => {
  let get: ((this: Node) => T) | undefined;
  return (node) => (get ??= Object.getOwnPropertyDescriptor(of(), name)!.get as (this: Node) => T).call(node);
};

export const childNodesOf = member<NodeListOf<ChildNode>>(() => Node.prototype, 'childNodes');
export const childrenOf = member<HTMLCollection>(() => Element.prototype, 'children');
export const attributeOf = (element: Element, name: string): string | null => Element.prototype.getAttribute.call(element, name);
export const matches = (element: Element, selector: string): boolean => Element.prototype.matches.call(element, selector);
export const closest = (element: Element, selector: string): Element | null => Element.prototype.closest.call(element, selector);
