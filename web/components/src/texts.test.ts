import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeEnd, mayCallAgain } from './texts';

/** The reasons as the protocol's page lists them. */
function documented(): string[] {
  const page = readFileSync(new URL('../../../docs/protocols/websocketcall.md', import.meta.url), 'utf8');
  const list = /`reason` of an ended call([\s\S]*?)\n`by`/.exec(page)![1]!;
  return [...list.matchAll(/`([a-z]+(?:_[a-z]+)*)`/g)].map((match) => match[1]!).filter((word) => word !== 'text');
}

const kGateway = 'The text of the gateway.';
const ended = (reason: string, by: 'system' | 'consumer' | 'agent' = 'system') => ({ reason, text: kGateway, by });
const sides = [['out', 'consumer'], ['in', 'agent'], ['out', 'agent']] as const;

describe('why a call ended', () => {
  it('has a sentence of its own for every reason, for each side', () => {
    const reasons = documented();
    expect(reasons.length).toBeGreaterThan(30);
    for (const reason of reasons.filter((each) => each !== 'hung_up')) {
      for (const [direction, role] of sides) {
        const words = describeEnd(ended(reason), direction, role);
        expect(words, `${reason} for the ${role} who called ${direction}`).toMatch(/^[A-Z][^_]{10,}\.$/);
        expect(words, reason).not.toBe(kGateway);
      }
    }
  });

  it('offers another call only where it may end in another way', () => {
    const final = ['destination_refused', 'destination_unknown', 'media_incompatible', 'no_trunk', 'number_refused', 'phone_not_found', 'phones_not_allowed', 'sdp_refused'];
    expect(documented().filter((reason) => !mayCallAgain(reason)).sort()).toEqual(final);
    // Before there is a call: of the gateway, and of the page.
    expect(['number.refused', 'destination.refused', 'access.disabled', 'uui.not_allowed', 'browser.unsupported'].filter(mayCallAgain)).toEqual([]);
    expect(['microphone.denied', 'server.unreachable', 'rate.exceeded', 'server.draining', 'new_reason'].filter((reason) => !mayCallAgain(reason))).toEqual([]);
  });

  it('tells who hung up', () => {
    expect(describeEnd(ended('hung_up', 'consumer'), 'out', 'consumer')).toBe('You ended the call.');
    expect(describeEnd({ ...ended('hung_up', 'agent'), text: '' }, 'out', 'consumer')).toBe('The agent ended the call.');
    expect(describeEnd({ ...ended('hung_up', 'consumer'), text: '' }, 'in', 'agent')).toBe('The customer ended the call.');
    expect(describeEnd(ended('hung_up', 'agent'), 'in', 'agent')).toBe('You ended the call.');
    expect(describeEnd(ended('hung_up', 'agent'), 'out', 'agent')).toBe(kGateway);
  });

  it('tells whose connection was lost', () => {
    expect(describeEnd(ended('agent_lost'), 'out', 'consumer')).toBe('The agent’s connection was gone for too long, so the call has ended.');
    expect(describeEnd(ended('agent_lost'), 'in', 'agent')).toBe('Your connection was gone for too long.');
  });

  it('takes the text that came along for a reason it does not know', () => {
    expect(describeEnd(ended('new_reason'), 'out', 'consumer')).toBe(kGateway);
    expect(describeEnd({ ...ended('new_reason'), text: '' }, 'out', 'consumer')).toBe('The call has ended.');
  });
});
