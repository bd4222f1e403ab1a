/** Of the lists and calendars. System colours: they follow the consumer's light or dark page and forced colours. */
export const kPickerStyle = `
:host { all: initial; position: fixed; inset: auto; margin: 0; padding: 4px; box-sizing: border-box; z-index: 2147483646; overflow: auto;
  display: block; max-width: calc(100vw - 8px); color-scheme: light; background: #fff; color: #16242c; border: 1px solid #7c8a92; border-radius: 8px;
  box-shadow: 0 8px 28px rgb(0 0 0 / .28); font: 14px/1.35 system-ui, sans-serif; user-select: none; -webkit-user-select: none; }
.list { display: block; }
.group { padding: 6px 10px 2px; font-weight: 600; color: #4a5b65; font-size: 12px; }
.cell { padding: 6px 10px; border-radius: 5px; cursor: default; white-space: nowrap; }
.group ~ .cell { padding-left: 20px; }
.grid { display: grid; gap: 2px; }
.grid .cell { text-align: center; min-width: 22px; padding: 6px 5px; font-variant-numeric: tabular-nums; }
.weekday { text-align: center; font-size: 11px; color: #4a5b65; padding: 2px 0; }
.grid.color .cell { width: 22px; height: 22px; padding: 0; border: 1px solid #7c8a92; }
.cell:hover, .cell.at { background: #e2edf2; }
.cell[aria-selected=true] { background: #0b5f6b; color: #fff; }
.cell.at { outline: 2px solid #0b5f6b; outline-offset: -1px; }
.cell.muted { color: #6b7a83; }
.cell[aria-selected=true].muted { color: #fff; }
.cell[aria-disabled=true] { color: #a3afb6; text-decoration: line-through; }
.head { display: flex; align-items: center; justify-content: space-between; gap: 8px; padding: 2px 2px 6px; font-weight: 600; }
.turn { font: inherit; font-size: 18px; line-height: 1; width: 30px; height: 28px; border: 0; border-radius: 5px; background: #eef3f5; color: inherit; cursor: pointer; }
@media (prefers-color-scheme: dark) {
  :host { background: #16242c; color: #e9f1f4; border-color: #55666f; color-scheme: dark; }
  .group, .weekday, .cell.muted { color: #a9bac3; }
  .cell:hover, .cell.at { background: #2b3f4a; }
  .cell[aria-selected=true] { background: #2f8f9d; color: #06171b; }
  .cell[aria-disabled=true] { color: #61737c; }
  .turn { background: #2b3f4a; }
}
`;
