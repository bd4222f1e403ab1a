import type { AssistSession } from '@parley/assist';
import { describe, expect, it } from 'vitest';
import { describeActivity, describeSharing, listNames, spacedCode, webHost } from './texts';

const session = (extra: object) =>
  ({ phase: 'open', sharing: 'on', ended: null, viewers: [{ party: 'p2' }], nameOf: (id: string) => ({ p2: 'Anna', p3: 'Ben' })[id] ?? '?', ...extra }) as unknown as AssistSession;

describe('words about sharing', () => {
  it('says who sees the page, and when nobody does', () => {
    const text = (extra: object) => describeSharing(session(extra)).text;
    expect(text({})).toBe('Anna sees this page');
    expect(text({ viewers: [{ party: 'p2' }, { party: 'p3' }] })).toBe('Anna and Ben see this page');
    expect(text({ sharing: 'paused' })).toContain('sees nothing new');
    expect(text({ sharing: 'sensitive' })).toBe('This page is private. Anna cannot see it.');
    expect(text({ sharing: 'off', switchedOff: true })).toBe('Nobody sees this page. Sharing is switched off now.');
    expect(text({ viewers: [] })).toContain('Nobody sees this page');
    expect(text({ phase: 'reconnecting' })).toContain('The connection is gone');
    expect(text({ ended: { reason: 'x', text: 'Over.' } })).toBe('Over.');
  });

  it('never claims that somebody sees a page that is not shared', () => {
    for (const sharing of ['off', 'paused', 'sensitive']) expect(describeSharing(session({ sharing })).look).not.toBe('on');
    for (const phase of ['starting', 'reconnecting']) expect(describeSharing(session({ phase })).look).not.toBe('on');
  });

  it('names up to three people and what they do', () => {
    expect(listNames(['Anna', 'Ben', 'Cem'])).toBe('Anna, Ben and Cem');
    expect(describeActivity('Anna', 'fill', 'Street')).toBe('Anna fills in “Street”');
    expect(describeActivity('Anna', 'click', 'Send')).toBe('Anna clicks on “Send”');
    expect(describeActivity('Anna', 'type', 'Street')).toBe('Anna types in “Street”');
    expect(describeActivity('Anna', 'scroll', '')).toBe('Anna scrolls');
  });

  it('spaces a code as it is read aloud', () => {
    expect(spacedCode('482913')).toBe('482 913');
  });

  it('opens web addresses and nothing else', () => {
    expect(webHost('https://www.example.org/a?b')).toBe('www.example.org');
    expect(webHost('http://example.org:8080/')).toBe('example.org:8080');
    for (const hostile of ['javascript:alert(1)', ' JavaScript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'blob:https://a/b', 'https://bank.example@evil.example/', '/relative', '', 'vbscript:x']) {
      expect(webHost(hostile), hostile).toBeNull();
    }
  });
});
