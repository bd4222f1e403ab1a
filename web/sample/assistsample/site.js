// How a site uses Parley: one script, one button, one call of `Parley.assist`.
//
// Parameters of this page: ?agent=sip:8000@… or ?destination=agent1 (whom to call), &name=… (who calls), &video=off (voice only),
// &video=receive (see the agent, send no picture), &ringback=off (no ringing tone of our own), &audioProcessing=off (microphone
// as it is: for music and for tests).
const parameters = new URLSearchParams(location.search);

document.getElementById('assist').addEventListener('click', () => {
  Parley.assist({
    title: 'Lindhaven Assist',
    destination: parameters.get('agent') ?? parameters.get('destination') ?? '',
    name: parameters.get('name') ?? 'Lindhaven customer',
    video: parameters.get('video') !== 'off',
    sendVideo: parameters.get('video') !== 'receive',
    ringback: parameters.get('ringback') !== 'off',
    audioProcessing: parameters.get('audioProcessing') !== 'off',
  });
});
