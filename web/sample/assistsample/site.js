// How a site uses Parley: one script, one button, one call of `Parley.assist`.
//
// Parameters of these pages: ?agent=sip:8000@… or ?destination=agent1 (whom to call), &name=… (who calls), &video=off (voice only),
// &video=receive (see the agent, send no picture), &ringback=off (no ringing tone of our own), &audioProcessing=off (microphone
// as it is: for music and for tests), &cid=… (the id of a session that an agent knows, also for the page that is shared in a call),
// &cobrowseOnly=true (share the page without a call).
const parameters = new URLSearchParams(location.search);
const name = parameters.get('name') ?? 'Lindhaven customer';
const cid = parameters.get('cid') ?? undefined;
const destination = parameters.get('agent') ?? parameters.get('destination') ?? undefined;

// What agents see and may do, on every page of the site. Fields can be marked in the page, too: data-parley-mask,
// data-parley-barred, data-parley-sensitive.
Parley.assist.configure({
  name,
  rules: { mask: ['.private'], bar: ['.sign'], sensitive: ['/assistsample/private/*'] },
});

const cobrowse = () => Parley.assist.start({ cid, destination });

document.getElementById('assist').addEventListener('click', () => {
  if (parameters.get('cobrowseOnly') === 'true') return void cobrowse();
  Parley.assist({
    title: 'Lindhaven Assist',
    destination: destination ?? '',
    name,
    cid,
    video: parameters.get('video') !== 'off',
    sendVideo: parameters.get('video') !== 'receive',
    ringback: parameters.get('ringback') !== 'off',
    audioProcessing: parameters.get('audioProcessing') !== 'off',
  });
});

// An address with a session's id begins by itself: the agent waits there already.
if (parameters.get('cobrowseOnly') === 'true' && cid) cobrowse();

document.getElementById('cobrowse')?.addEventListener('click', cobrowse);

document.getElementById('claim-sum')?.addEventListener('input', (event) => {
  document.getElementById('claim-sum-text').textContent = `€${event.target.value}`;
});

document.getElementById('claim')?.addEventListener('submit', (event) => {
  event.preventDefault();
  document.getElementById('claim-done').textContent = 'Thank you. (This is a sample: nothing was sent.)';
});
