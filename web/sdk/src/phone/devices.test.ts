import { describe, expect, it } from 'vitest';
import { FakeEnvironment } from '../testing/index';
import { Devices, deviceError } from './devices';

describe('Devices', () => {
  it('lists by kind, once each, and says when names are hidden', async () => {
    const env = new FakeEnvironment();
    const devices = new Devices(env);
    expect(await devices.list()).toMatchObject({ cameras: [{ id: 'cam-1', label: 'Desk camera' }], speakers: [{ id: 'out-1', label: 'Headset' }], namesHidden: false });
    env.media.devices = [
      { kind: 'audioinput', deviceId: 'a', label: '' },
      { kind: 'audioinput', deviceId: 'a', label: '' },
      { kind: 'audioinput', deviceId: '', label: '' },
    ];
    expect(await devices.list()).toMatchObject({ microphones: [{ id: 'a', label: 'Microphone 1' }], cameras: [], namesHidden: true });
  });

  it('asks once when all is well and names each refusal', async () => {
    const env = new FakeEnvironment();
    await new Devices(env).open({ audio: true, video: true });
    expect(env.media.requests).toBe(1);
    for (const [name, code] of [['NotAllowedError', 'camera.denied'], ['NotFoundError', 'camera.missing'], ['OverconstrainedError', 'camera.missing'], ['NotReadableError', 'camera.in_use'], ['AbortError', 'camera.in_use'], ['SecurityError', 'camera.denied'], ['?', 'device.failed']]) {
      expect(deviceError('camera', { name }).code).toBe(code);
    }
    expect(deviceError('microphone', null).code).toBe('device.failed');
  });
});
