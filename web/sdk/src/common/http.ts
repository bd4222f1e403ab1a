import type { Environment } from './environment';
import { ParleyError } from './errors';

/** A JSON request to the server; errors of the form {"error":{"reason","text"}} become ParleyErrors. */
export async function requestJson(
  env: Environment,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  body?: object,
  more: Pick<RequestInit, 'keepalive'> = {},
): Promise<Record<string, unknown>> {
  let response: Response;
  try {
    response = await env.fetch(url, {
      ...more,
      method,
      credentials: 'same-origin',
      headers: body ? { 'Content-Type': 'application/json' } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch (error) {
    throw new ParleyError('server.unreachable', { cause: error });
  }
  let value: unknown = null;
  if (response.status !== 204) {
    try {
      value = await response.json();
    } catch (error) {
      if (response.ok) throw new ParleyError('server.malformed', { cause: error });
    }
  }
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  if (response.ok) return object;
  const detail = (typeof object.error === 'object' && object.error !== null ? object.error : {}) as Record<string, unknown>;
  const after = Number(response.headers.get('Retry-After') ?? NaN);
  const fallback = response.status >= 500 || response.status === 404 ? 'server.unreachable' : 'server.refused';
  throw new ParleyError(typeof detail.reason === 'string' ? detail.reason : fallback, {
    text: typeof detail.text === 'string' ? detail.text : undefined,
    retryAfter: Number.isFinite(after) ? after : undefined,
  });
}
