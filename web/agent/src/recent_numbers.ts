const kKey = 'parley.agent.recent';
const kMax = 8;

/** Whom the agent called last, newest first; kept in this browser. */
export function recentNumbers(): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(kKey) ?? '[]');
    return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string').slice(0, kMax) : [];
  } catch {
    return [];
  }
}

export function rememberNumber(number: string): string[] {
  const list = [number, ...recentNumbers().filter((n) => n !== number)].slice(0, kMax);
  try {
    localStorage.setItem(kKey, JSON.stringify(list));
  } catch {
    // Lasts until the page is closed.
  }
  return list;
}
