// Everything a page needs to share data and messages with others. Global `Parley` comes from /gateway/csdk-common.js (or csdk-sdk.js)
// and /gateway/csdk-aed.js. Parameter: ?cid=… the session whose list it is.
const byId = (id) => document.getElementById(id);
const aed = new Parley.Aed({ cid: new URLSearchParams(location.search).get('cid') ?? undefined, name: 'Sample' });
let topic = null;

aed.on('state', (state) => {
  byId('state').dataset.state = state;
  byId('state').textContent = state === 'connected' ? 'Connected.' : state === 'reconnecting' ? 'Connection lost. Reconnecting…' : state === 'closed' ? 'Not connected.' : 'Connecting…';
});
aed.on('failed', (error) => (byId('state').textContent = error.message));

async function start() {
  await aed.connect();
  topic = await aed.topic(`${aed.cid}.list`); // A page may use its session's topic and those below it.
  for (const item of topic.items.values()) show(item.id, item);
  topic.on('data', ({ id, item }) => show(id, item)); // item is null when it was deleted.
  topic.on('message', ({ value, by }) => (byId('heard').textContent = `${by.name || 'Somebody'}: ${value}`));
  topic.on('clients', (n) => (byId('state').textContent = `Connected. Pages with this list: ${n}`));
  byId('link').href = `/csdk-sample/aed.html?cid=${encodeURIComponent(aed.cid)}`;
  byId('add').disabled = byId('wave').disabled = false;
}
start().catch((error) => (byId('state').textContent = error.message)); // A ParleyError: `code` for programs, `message` for people.

byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  // Without an id the server makes one.
  topic.submit({ what: byId('what').value, count: 1 }).catch((error) => (byId('heard').textContent = error.message));
  byId('what').value = '';
});
byId('wave').addEventListener('click', () => topic.send('👋'));

function show(id, item) {
  let row = document.querySelector(`[data-id="${id}"]`);
  if (!item) return row?.remove();
  if (!row) {
    row = document.createElement('li');
    row.dataset.id = id;
    const [text, more, gone] = ['span', 'button', 'button'].map((name) => row.appendChild(document.createElement(name)));
    more.textContent = 'One more';
    // Two people may press at once: update() starts over from what the other one made of it.
    more.addEventListener('click', () => topic.update(id, (value) => ({ ...value, count: value.count + 1 })));
    gone.textContent = 'Remove';
    gone.addEventListener('click', () => topic.delete(id).catch((error) => (byId('heard').textContent = error.message)));
    text.className = 'what';
    byId('list').append(row);
  }
  row.dataset.version = item.version;
  row.querySelector('.what').textContent = `${item.value.what} × ${item.value.count}`;
}
