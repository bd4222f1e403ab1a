// Everything a page needs to call an agent. Global `Parley` comes from /gateway/csdk-sdk.js.
const byId = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);
byId('destination').value = parameters.get('destination') ?? parameters.get('agent') ?? '';

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

  call = client.call({ destination, audio: true, video: byId('video').checked });
  call.attachRemote(byId('remote'));
  byId('call').disabled = true;
  byId('end').disabled = byId('mute').disabled = false;

  call.on('localStream', (stream) => (byId('local').srcObject = stream));
  call.on('state', ({ state }) => (byId('state').textContent = words[state] ?? ''));
  call.on('muted', ({ audio }) => byId('mute').setAttribute('aria-pressed', audio));
  call.on('notice', (error) => console.info(error.code, error.message)); // For example: no camera.
  call.on('ended', ({ text, reason, by }) => {
    byId('state').textContent = `${text} (${reason}, by ${by})`;
    byId('local').srcObject = null;
    byId('call').disabled = false;
    byId('end').disabled = byId('mute').disabled = true;
    call = null;
  });
});

byId('end').addEventListener('click', () => call?.end());
byId('mute').addEventListener('click', () => call?.muteAudio(!call.muted.audio));
