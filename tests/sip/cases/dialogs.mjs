// What phones and servers of other makers do in a dialog beside ringing and answering: SIPp does it, and says whether Parley did its part.
import { assert, dial, mediaSettings, reaches, sipSettings, until } from '../lib/call.mjs';
import { Sipp } from '../lib/sipp.mjs';

/** A page's call (without a browser) to a server that follows the scenario; `act` when it is answered. */
async function called(t, scenario, { set = {}, act = async (page, call) => page.send({ type: 'end', call }) } = {}) {
  const server = t.peer();
  const phone = t.owns(new Sipp(t.scratch, server, scenario, { set, seconds: 30 }));
  await t.parley(sipSettings(t.lan, [server.address]), mediaSettings(t.lan));
  const page = await dial(t.stack, '2001');
  const { call } = await reaches(page, ['connecting', 'connected']);
  await act(page, call, phone);
  const { reason } = await reaches(page, ['ended']);
  assert(reason === 'hung_up', `ended with ${reason}`);
  await page.bye();
  await phone.succeeded();
  return phone;
}

export const cases = [
  {
    name: 'dialog: early media comes reliably (100rel, PRACK) and moves to another port after the answer (UPDATE)', async run(t) {
      // A second after the answer SIPp changes the session; the page hangs up after that.
      const moved = (page, call, phone) => until('the change is answered', () => phone.messages().split(/^-{20,}/m).some((each) => /^SIP\/2\.0 200/m.test(each) && /^CSeq: \d+ UPDATE/m.test(each))).then(() => page.send({ type: 'end', call }));
      await called(t, 'ring-reliably-and-move', { act: moved });
    },
  },
  {
    name: 'dialog: a session interval is too short for the other side, which says the least it takes (422), and for us', async run(t) {
      await called(t, 'refuse-the-interval-then-answer');
      const short = t.owns(new Sipp(t.scratch, t.lan.peers[0], 'call-with-too-short-an-interval', { remote: `${t.lan.host}:5060`, user: 'agent1', port: 5070 }));
      await short.succeeded();
    },
  },
  {
    name: 'dialog: both sides change the session at the same moment (491): ours is tried again and comes through', async run(t) {
      await called(t, 'offer-at-the-same-time', { act: async (page, call) => page.send({ type: 'hold', call, held: true, request: 'hold-1' }) });
    },
  },
  {
    name: 'dialog: a server sends the call on to another number at a foreign address (302): the server is asked for it, nobody else', async run(t) {
      const foreign = t.peer();
      const stranger = t.owns(new Sipp(t.scratch, foreign, 'answer-and-wait-for-bye'));
      const server = await called(t, 'moved-temporarily', { set: { other: `${foreign.address}:5060` } });
      const asked = [...server.messages().matchAll(/^INVITE (\S+) SIP/gm)].map(([, uri]) => uri);
      assert(asked.length === 2 && /^sip:2002@/.test(asked[1]) && !asked[1].includes(foreign.address), `asked for ${asked}`);
      assert(!/^INVITE/m.test(stranger.messages()), 'the foreign address was called');
    },
  },
  {
    name: 'dialog: two phones behind a server answer: one is spoken to, the other one is ended', async run(t) {
      await called(t, 'two-phones-answer', {
        act: async (page, call, phone) => {
          // The page hangs up when the second phone is ended: SIPp takes its messages in this order only.
          await until('the second phone is ended', () => /^BYE [^]*?^To:[^\r\n]*tag=\d+s\d+b/m.test(phone.messages()));
          page.send({ type: 'end', call });
        },
      });
    },
  },
];
