// What happens in a session, in words.

/** What is reported of the page (docs/protocols/topic.md, `activity`), before the name of the element. */
const kDeeds: Record<string, string> = { click: 'clicked', type: 'typed into', key: 'pressed a key in', scroll: 'scrolled', fill: 'filled in', select: 'chose in' };

/** "Ada filled in Name". */
export const deedWords = (who: string, what: string, target: string): string => `${who} ${kDeeds[what] ?? what}${target ? ` ${target}` : ''}`;

/** Why drawings were cleared by nobody's hand; null: somebody did. */
export function erasedWords(why: string | undefined): string | null {
  const words: Record<string, string> = {
    joined: 'The drawings were cleared, as somebody joined.',
    hold: 'The drawings were cleared after the hold.',
    navigation: 'The drawings were cleared, as the page changed.',
  };
  return (why && words[why]) || null;
}
