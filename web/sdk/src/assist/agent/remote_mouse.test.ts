import { describe, expect, it } from 'vitest';
import { RemoteMouse } from './remote_mouse';

class Page {
  controlling = true;
  readonly told: string[] = [];
  pointer = (x: number, y: number) => void this.told.push(`move ${x},${y}`);
  press = (x: number, y: number) => void this.told.push(`press ${x},${y}`);
  release = (x: number, y: number) => void this.told.push(`release ${x},${y}`);
  click = (x: number, y: number, button: number, detail: number, mods: object) => void this.told.push(`click ${x},${y} ${button} ${detail}${Object.values(mods).some(Boolean) ? ' shift' : ''}`);
}

/** The picture is half as large as the page. */
function begin() {
  const page = new Page();
  const mouse = new RemoteMouse(page);
  const event = (clientX: number, clientY: number) => ({ clientX, clientY, pointerId: 1 });
  const at = (x: number, y: number) => (x < 0 ? null : { x: 2 * x, y: 2 * y });
  return {
    page, mouse,
    down: (x: number, y: number) => mouse.down(event(x, y), at(x, y)),
    move: (x: number, y: number) => mouse.moved(event(x, y), at(x, y)),
    up: (x: number, y: number) => mouse.up(event(x, y), at(x, y)),
    click: (x: number, y: number, type = 'click', button = 0, detail = 1, mods = {}) => mouse.clicked({ type, button, detail }, at(x, y), mods),
  };
}

describe('the mouse on the customer’s page', () => {
  it('clicks once, though the hand is not quite still', () => {
    const { page, down, move, up, click } = begin();
    move(10, 10);
    down(10, 10);
    move(11, 10);
    move(12, 11);
    up(12, 11);
    click(12, 11);
    expect(page.told).toEqual(['move 20,20', 'click 24,22 0 1']);
  });

  it('takes no second finger for a new press', () => {
    const { page, mouse, down, move, up } = begin();
    down(10, 10);
    move(30, 10);
    mouse.down({ clientX: 50, clientY: 50, pointerId: 2 }, { x: 100, y: 100 });
    mouse.up({ pointerId: 2 }, { x: 100, y: 100 });
    up(30, 10);
    expect(page.told).toEqual(['press 20,20', 'move 60,20', 'release 60,20']);
  });

  it('drags: a press where it began, movements, a release, and no click', () => {
    const { page, down, move, up, click } = begin();
    down(10, 10);
    move(20, 10);
    move(60, 30);
    up(61, 30);
    click(61, 30);
    expect(page.told).toEqual(['press 20,20', 'move 40,20', 'move 120,60', 'release 122,60']);
    down(5, 5);
    up(5, 5);
    click(5, 5);
    expect(page.told.at(-1), 'the next click is one').toBe('click 10,10 0 1');
  });

  it('lets go at the edge of the picture, and when it is taken away', () => {
    const { page, mouse, down, move, up } = begin();
    down(10, 10);
    move(30, 10);
    move(-5, 10);
    up(-5, 10);
    expect(page.told.splice(0)).toEqual(['press 20,20', 'move 60,20', 'release 60,20']);
    down(10, 10);
    move(30, 10);
    mouse.letGo();
    mouse.letGo();
    expect(page.told).toEqual(['press 20,20', 'move 60,20', 'release 60,20']);
  });

  it('clicks twice, and with the other buttons', () => {
    const { page, down, up, click } = begin();
    for (const detail of [1, 2]) {
      down(10, 10);
      up(10, 10);
      click(10, 10, 'click', 0, detail, { shift: true });
    }
    click(10, 10, 'contextmenu', 2, 0);
    click(10, 10, 'contextmenu', 0, 0);
    click(10, 10, 'auxclick', 1);
    expect(page.told).toEqual(['click 20,20 0 1 shift', 'click 20,20 0 2 shift', 'click 20,20 2 1', 'click 20,20 2 1', 'click 20,20 1 1']);
  });

  it('presses nothing that it may not', () => {
    const { page, down, move, up } = begin();
    page.controlling = false;
    down(10, 10);
    move(60, 10);
    up(60, 10);
    expect(page.told).toEqual(['move 120,20']);
  });
});
