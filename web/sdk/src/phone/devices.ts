import { ParleyError, type Environment, type ErrorCode, type MediaChoice } from '../common/index';
import { quirks } from './quirks';

export interface Device {
  id: string;
  label: string;
}

export interface DeviceList {
  cameras: Device[];
  microphones: Device[];
  speakers: Device[];
  /** The browser names devices only after permission was given; until then the labels are generic. */
  namesHidden: boolean;
  canChooseSpeaker: boolean;
}

export interface CaptureChoice extends MediaChoice {
  /** false: see the other side's picture without sending one; no camera is opened (default true). */
  sendVideo?: boolean;
  cameraId?: string;
  microphoneId?: string;
  /** Echo cancellation, noise suppression and gain control (default true). */
  audioProcessing?: boolean;
}

export interface Capture {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
  /** What was asked for and is not there, with the reason. */
  missing: ParleyError[];
}

type Kind = 'camera' | 'microphone';

export class Devices {
  constructor(private readonly env_: Environment) {}

  /** Does not ask for permission. Rejects with `browser.unsupported` or `browser.insecure`. */
  async list(): Promise<DeviceList> {
    const media = this.media();
    let infos: MediaDeviceInfo[];
    try {
      infos = await media.enumerateDevices();
    } catch (error) {
      throw new ParleyError('device.failed', { cause: error });
    }
    const pick = (kind: MediaDeviceKind, word: string): Device[] => {
      const seen = new Set<string>();
      return infos
        .filter((info) => info.kind === kind && info.deviceId !== '' && !seen.has(info.deviceId) && seen.add(info.deviceId))
        .map((info, index) => ({ id: info.deviceId, label: info.label || `${word} ${index + 1}` }));
    };
    return {
      cameras: pick('videoinput', 'Camera'),
      microphones: pick('audioinput', 'Microphone'),
      speakers: pick('audiooutput', 'Loudspeaker'),
      namesHidden: infos.length > 0 && infos.every((info) => !info.label),
      canChooseSpeaker: quirks.speakerChoice(),
    };
  }

  /** Calls `fn` when a device is plugged in or out. Returns a function that stops it. */
  watch(fn: () => void): () => void {
    const media = this.env_.mediaDevices;
    media?.addEventListener?.('devicechange', fn);
    return () => media?.removeEventListener?.('devicechange', fn);
  }

  /**
   * Opens microphone and camera; both at once, so that the person is asked once. A camera that cannot be had is
   * reported in `missing`; a microphone that cannot be had rejects.
   */
  async open(choice: CaptureChoice): Promise<Capture> {
    this.media();
    choice = { ...choice, video: choice.video && choice.sendVideo !== false };
    if (!choice.audio && !choice.video) return { audio: null, video: null, missing: [] };
    try {
      return { ...(await this.capture(choice)), missing: [] };
    } catch (both) {
      if (!choice.audio) return { audio: null, video: null, missing: [deviceError('camera', both)] };
      if (!choice.video) throw deviceError('microphone', both);
    }
    let audio: MediaStreamTrack | null;
    try {
      audio = (await this.capture({ ...choice, video: false })).audio;
    } catch (error) {
      throw deviceError('microphone', error);
    }
    try {
      return { audio, video: (await this.capture({ ...choice, audio: false })).video, missing: [] };
    } catch (error) {
      return { audio, video: null, missing: [deviceError('camera', error)] };
    }
  }

  async openCamera(id?: string): Promise<MediaStreamTrack> {
    const { video } = await this.capture({ audio: false, video: true, cameraId: id }).catch((error: unknown) => {
      throw deviceError('camera', error);
    });
    if (!video) throw new ParleyError('camera.missing');
    return video;
  }

  async openMicrophone(id?: string, audioProcessing = true): Promise<MediaStreamTrack> {
    const { audio } = await this.capture({ audio: true, video: false, microphoneId: id, audioProcessing }).catch(
      (error: unknown) => {
        throw deviceError('microphone', error);
      },
    );
    if (!audio) throw new ParleyError('microphone.missing');
    return audio;
  }

  private media(): MediaDevices {
    const media = this.env_.mediaDevices;
    if (!media) throw new ParleyError(this.env_.secure ? 'browser.unsupported' : 'browser.insecure');
    return media;
  }

  private async capture(choice: CaptureChoice): Promise<Omit<Capture, 'missing'>> {
    const processing = choice.audioProcessing ?? true;
    const stream = await this.media().getUserMedia({
      audio: choice.audio && {
        deviceId: choice.microphoneId ? { exact: choice.microphoneId } : undefined,
        echoCancellation: processing,
        noiseSuppression: processing,
        autoGainControl: processing,
      },
      video: choice.video && {
        deviceId: choice.cameraId ? { exact: choice.cameraId } : undefined,
        width: { ideal: 1280 },
        height: { ideal: 720 },
        frameRate: { ideal: 30 },
      },
    });
    return { audio: stream.getAudioTracks()[0] ?? null, video: stream.getVideoTracks()[0] ?? null };
  }
}

/** What a person can do about a refusal of getUserMedia. */
export function deviceError(kind: Kind, thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  const name = (thrown as { name?: string } | null)?.name ?? '';
  const codes: Record<string, ErrorCode> = {
    NotAllowedError: `${kind}.denied`,
    SecurityError: `${kind}.denied`,
    NotFoundError: `${kind}.missing`,
    OverconstrainedError: `${kind}.missing`,
    NotReadableError: `${kind}.in_use`,
    AbortError: `${kind}.in_use`,
  };
  return new ParleyError(codes[name] ?? 'device.failed', { cause: thrown });
}
