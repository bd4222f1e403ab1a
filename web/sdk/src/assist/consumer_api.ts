import { ParleyError, requestJson, type Environment } from '../common/index';

/** A consumer's token for a shared session, and the session's id. */
export async function requestToken(environment: Environment, server: string, body: object): Promise<{ token: string; cid: string }> {
  const reply = await requestJson(environment, 'POST', `${server}/assistserver/session`, body);
  const { token, cid } = (typeof reply.assist === 'object' && reply.assist !== null ? reply.assist : {}) as Record<string, unknown>;
  if (typeof token !== 'string' || typeof cid !== 'string') throw new ParleyError('server.malformed');
  return { token, cid };
}

/** Six digits that an agent types in to come to the session. */
export async function requestShortCode(environment: Environment, server: string, body: { cid: string; token: string }): Promise<{ code: string; expiresIn: number }> {
  const reply = await requestJson(environment, 'POST', `${server}/assistserver/shortcode/create`, body);
  if (typeof reply.shortCode !== 'string' || !/^\d{4,12}$/.test(reply.shortCode)) throw new ParleyError('server.malformed');
  return { code: reply.shortCode, expiresIn: typeof reply.expiresIn === 'number' ? reply.expiresIn : 300 };
}
