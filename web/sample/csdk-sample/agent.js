// Everything an agent's page needs to see and help with a customer's page. Global `Parley` comes from the script before this one.
const byId = (id) => document.getElementById(id);
const tell = (text) => (byId('told').textContent = text);
// What goes wrong is a ParleyError: `code` for programs, `message` for people.
const attempt = (work) => async (event) => {
  event.preventDefault();
  tell('');
  try {
    await work(event);
  } catch (error) {
    tell(error.message);
  }
};
const desk = new Parley.AgentAssist();
let session = null;
let stage = null;
let paper = null;

byId('join').addEventListener('submit', attempt(async () => {
  await desk.signIn(byId('user').value, byId('password').value);
  leave();
  session = await desk.join(byId('where').value); // Six digits that the customer reads out, or a session's id.
  stage = new Parley.PageStage(session, { container: roomIn('room') });
  paper = new Parley.DocumentStage(session, { container: roomIn('paper') }); // What is looked at together lies over the page.
  stage.on('released', () => choose('look')); // The agent pressed Escape.
  session.on('changed', show);
  session.on('notice', (error) => tell(error.message));
  show();
  await session.joined(); // The customer agreed.
}));

/** Each session's stages in elements of their own. */
function roomIn(id) {
  const container = document.createElement('div');
  byId(id).replaceChildren(container);
  return container;
}

function leave() {
  session?.leave();
  stage?.close();
  paper?.close();
  session = null;
}

// ---- what is known of the session, in words

const phases = {
  connecting: 'Connecting…',
  waiting: 'Nobody has opened this session yet.',
  asking: 'The customer is being asked.',
  refused: 'The customer did not agree.',
  reconnecting: 'Connection lost. Reconnecting…',
  ended: 'The session has ended.',
  failed: 'This session cannot be joined.',
};

function show() {
  const { phase, sharing, controlling, customer, session: now, error } = session;
  const seen = controlling ? `You control the page of ${customer}.` : `You see the page of ${customer}.`;
  const joined = sharing ? seen : `${customer} shares nothing just now (${now?.sharing}).`; // paused, sensitive, off
  byId('state').textContent = phase === 'joined' ? joined : `${phases[phase]} ${error?.message ?? ''}`;
  byId('state').dataset.phase = phase;
  byId('tools').disabled = !sharing;
  byId('push').hidden = phase !== 'joined';
  byId('paper').hidden = byId('shut').hidden = !paper?.document;
  byId('sent').replaceChildren(...session.pushes.list.map(({ name, state }) => row(`${name}: ${state}`)));
  if (stage.mode === 'control' && !controlling) choose('look'); // The customer took the page back.
}

function row(...content) {
  const item = document.createElement('li');
  item.append(...content);
  return item;
}

// ---- tools: what the hand over the picture does

function choose(mode) {
  stage.mode = paper.mode = mode;
  for (const button of document.querySelectorAll('[data-mode]')) button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
}

for (const button of document.querySelectorAll('[data-mode]')) {
  button.addEventListener('click', attempt(async () => {
    if (button.dataset.mode === 'control') await session.askControl(); // The customer is asked; a no rejects.
    choose(button.dataset.mode);
  }));
}
byId('clear').addEventListener('click', attempt(() => session.eraseAll(paper.document?.id)));
byId('shut').addEventListener('click', attempt(() => session.closeDocument()));
byId('leave').addEventListener('click', attempt(() => {
  leave();
  byId('state').textContent = 'You left the session.';
  byId('state').dataset.phase = 'ended';
  byId('tools').disabled = byId('push').hidden = byId('paper').hidden = true;
  byId('fields').replaceChildren();
}));

// ---- the form: fields of the customer's page; what is masked has no value here

byId('read').addEventListener('click', attempt(async () => {
  const fields = await session.form.read();
  byId('fields').replaceChildren(...fields.filter(({ masked, barred, type }) => !masked && !barred && !['checkbox', 'radio'].includes(type)).map(editor));
}));

function editor({ id, label, value = '', options }) {
  const input = document.createElement(options ? 'select' : 'input');
  const name = document.createElement('label');
  const result = document.createElement('small');
  if (options) input.append(...options.map((option) => new Option(option.label, option.value, false, option.selected)));
  else input.value = value;
  name.append(label, input);
  input.addEventListener('change', async () => {
    // Needs control. The page's own validation decides.
    const { state, text } = await session.form.set(id, options ? { selected: [input.value] } : { value: input.value });
    result.textContent = state === 'done' ? 'Filled in.' : text;
  });
  return row(name, result);
}

// ---- sending links and documents

byId('push').addEventListener('submit', attempt(async () => {
  const address = byId('address').value;
  await (byId('together').checked ? session.pushes.document(address) : session.pushes.link(address));
  byId('push').reset();
}));
byId('file').accept = Parley.kAccept;
byId('file').addEventListener('change', attempt(async () => {
  const [file] = byId('file').files;
  if (file) await session.pushes.file(file, { progress: (done) => tell(`Uploading… ${Math.round(100 * done)} %`) });
  tell('');
  byId('push').reset();
}));
