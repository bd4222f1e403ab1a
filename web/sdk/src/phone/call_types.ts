import type {
  CallState,
  ClientMessage,
  DtmfMethod,
  EndedBy,
  Environment,
  MediaChoice,
  ParleyError,
  Role,
  ServerMessage,
  TransferInfo,
  Welcome,
} from '../common/index';
import type { Call } from './call';
import type { CaptureChoice, Devices } from './devices';
import type { SetupReport } from './setup_clock';
import type { QualityLevel, StatsSummary } from './stats';
import type { Tones } from './tones';

/** `preparing`: devices are opened and the gateway is reached; the rest as in the protocol, seen from this page. */
export type CallPhase = 'preparing' | CallState;

export interface EndedInfo {
  /** A reason of the protocol, or the code of the error that kept the call from starting. */
  reason: string;
  /** The same in words. */
  text: string;
  by: EndedBy;
}

export interface Quality {
  level: QualityLevel;
  summary: StatsSummary;
}

export interface CallEvents {
  state: { state: CallPhase; previous: CallPhase };
  localStream: MediaStream;
  remoteStream: MediaStream;
  muted: MediaChoice;
  peerMuted: MediaChoice;
  /** Who holds whom. */
  held: { held: boolean; peerHeld: boolean };
  /** Video was added or removed, by either side. */
  media: MediaChoice;
  /** How a transfer goes; null: it was called off. */
  transfer: TransferInfo | null;
  peerConnection: 'ok' | 'lost';
  dtmf: { digits: string };
  quality: Quality;
  /** Something less than asked for, in words: no camera, a device that was unplugged. */
  notice: ParleyError;
  /** The browser wants a gesture before it plays sound: call `resumePlayback` from a click. */
  playbackBlocked: void;
  setup: SetupReport;
  ended: EndedInfo;
  /** Anything above; for pages that draw everything anew. */
  changed: void;
}

/** What a call needs of the phone it belongs to. */
export interface CallHost {
  readonly environment: Environment;
  readonly devices: Devices;
  readonly tones: Tones;
  readonly role: Role;
  readonly configuration: RTCConfiguration | undefined;
  readonly mediaLimits: Welcome['media'];
  /** Milliseconds since the connection to the gateway broke; 0 while it stands. */
  readonly brokenFor: number;
  send(message: ClientMessage): void;
  request(message: ClientMessage): Promise<ServerMessage>;
  released(call: Call): void;
}

export interface DialOptions extends CaptureChoice {
  destination: string;
  name?: string;
  uui?: string;
  /** A ringing tone of this page while the far end sends none (default true). */
  ringback?: boolean;
}

export interface DtmfOptions {
  /** Default: in the media where the call can, else as information. */
  method?: DtmfMethod;
  /** Play the tones to the person who pressed the key, too (default false). */
  audible?: boolean;
}

export interface VideoOptions {
  cameraId?: string;
  /** false: only look at the other side's picture (default true). */
  send?: boolean;
}
