// Everything a page needs to call an agent. Global `Parley` comes from the script before this one.
const byId = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);
byId('destination').value = parameters.get('agent') ?? parameters.get('destination') ?? '';
if (parameters.get('video') === 'off') byId('video').value = 'none';

const client = new Parley.Client();
let call = null;

const words = {
  preparing: 'Getting ready…',
  ringing: 'Calling…',
  connecting: 'Connecting…',
  connected: 'Connected.',
  reconnecting: 'Connection lost. Reconnecting…',
};

byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  if (call) return;

  const destination = byId('destination').value.trim();
  const name = byId('name').value.trim();
  try {
    await client.connect({ destination, name });
  } catch (error) {
    byId('state').textContent = error.message; // A ParleyError: `code` for programs, `message` for people.
    return;
  }

  const picture = byId('video').value;
  call = client.call({ destination, video: picture !== 'none', sendVideo: picture === 'both' });
  call.attachRemote(byId('remote'));
  byId('call').disabled = true;
  byId('end').disabled = byId('mute').disabled = false;

  call.on('localStream', (stream) => (byId('local').srcObject = stream));
  call.on('changed', show);
  call.on('muted', ({ audio }) => byId('mute').setAttribute('aria-pressed', audio));
  call.on('notice', (error) => console.info(error.code, error.message)); // For example: no camera.
  call.on('ended', ({ text, reason, by }) => {
    byId('state').textContent = `${text} (${reason}, by ${by})`;
    byId('local').srcObject = null;
    byId('call').disabled = false;
    byId('end').disabled = byId('mute').disabled = byId('add').disabled = byId('keys').hidden = true;
    call = null;
  });
});

// What the call is doing, in words; and what can be done in it.
function show() {
  if (!call || call.ended) return;
  byId('state').textContent = call.peerHeld ? 'You are on hold.' : call.early ? 'Calling… (you hear the other side)' : words[call.state];
  byId('keys').hidden = !(call.early || call.state === 'connected') || !call.can.dtmf;
  byId('add').disabled = call.state !== 'connected' || call.hasCamera || !call.can.video;
}

byId('add').addEventListener('click', () => call?.addVideo().catch((error) => (byId('state').textContent = error.message)));

for (const key of '123456789*0#') {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = key;
  button.addEventListener('click', () => call?.sendDtmf(key, { audible: true }));
  byId('keys').append(button);
}

// Shares this page: with the agent of the call, or with whoever gets the code that is shown (or knows the id: ?cid=…).
byId('share').addEventListener('click', () => {
  const options = { cid: parameters.get('cid') ?? undefined, name: byId('name').value.trim() };
  const session = call ? Parley.assist.escalate(client, call, options) : Parley.assist.start(options);
  session.on('ended', ({ text }) => console.info(text));
});
if (parameters.get('cobrowseOnly') === 'true') byId('share').click();

byId('end').addEventListener('click', () => call?.end());
byId('mute').addEventListener('click', () => call?.muteAudio(!call.muted.audio));
