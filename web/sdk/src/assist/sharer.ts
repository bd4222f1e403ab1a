import type { Early } from './early';
import type {
  ActivityMessage, AgentAction, AssistSettings, Feature, Fidelity, MaskedRegion, Party, Quality, SharedMessage, TopicConsumerMessage, Unsupported, View,
} from './protocol';
import type { StartWorker } from './start_worker';

/** What a site says about its pages. The administration's settings add to it; neither takes anything away from the other. */
export interface SharingRules {
  /** CSS selectors: what they match is black for the agent, and its values never leave. */
  mask?: string[];
  /** Everything typed is masked unless `allow` matches it. */
  maskAll?: boolean;
  /** CSS selectors that `maskAll` leaves readable. */
  allow?: string[];
  /** CSS selectors: the agent sees these, but cannot click or fill them. */
  bar?: string[];
  /**
   * Pages that nobody sees: paths, routes (`#/payment`) and addresses (`https://…/pay`), with `*` for anything; or CSS selectors of
   * something that makes a page private while it is there (`#card-form`). What is none of these makes every page private.
   */
  sensitive?: string[];
  /** Picture pixels per CSS pixel, 0.25 … 2; default: the server's setting. */
  imageScale?: number;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
  label: string;
}

/** What a sharer gives and asks. */
export interface SharerHost {
  readonly rules: SharingRules;
  readonly settings: AssistSettings;
  /** Of the Parley server. */
  readonly server: string;
  readonly startWorker: StartWorker;
  /** The element of Parley's own things: never in the picture, never acted on. What is drawn goes into `layer`. */
  readonly overlay: HTMLElement;
  readonly layer: HTMLElement;
  party(id: string | undefined): Party | undefined;
  /** false: it could not be sent; a whole picture follows a refresh. */
  sendFrame(frame: ArrayBuffer): boolean;
  viewChanged(view: View, fidelity: Fidelity): void;
  unsupported(list: Unsupported[]): void;
  receipt(masked: MaskedRegion[], unmaskable?: number): void;
  /** The page, or something in it, became private, or is so no more. */
  sensitiveChanged(): void;
  activity(activity: ActivityMessage): void;
  reply(message: TopicConsumerMessage): void;
  /** For what is worth nothing later. */
  replyNow(message: TopicConsumerMessage): void;
  /** The person touched the page: nobody else acts on it any more. */
  touched(): void;
  /** Sharing cannot go on (a device took the picture away, a fault): in words. */
  failed(text: string): void;
}

/** The part that is loaded only when sharing starts: pictures, acting, annotations. */
export interface Sharer {
  /** Pictures from now on, a whole one first. */
  start(): void;
  /** No picture leaves from now on. */
  hold(): void;
  /** Gone for good: everything that was changed on the page is as before. */
  stop(): void;
  refresh(): void;
  /** Nobody acts on the page any more, or somebody else: no button stays pressed. */
  release(): void;
  /** What an agent chose; from now on. */
  quality(quality: Quality): void;
  /** Something in the page makes it private just now: also what is in frames and components. */
  readonly sensitive: boolean;
  /** The browser can film its own tab. */
  readonly canFilm: boolean;
  /** Films the tab instead of painting the page, once the person said yes to the browser; rejects after a no. */
  film(): Promise<void>;
  /** What the settings leave switched on, now that it has changed. */
  allow(features: readonly Feature[]): void;
  pace(pace: { behind: boolean; kbps?: number }): void;
  act(action: AgentAction): void;
  annotate(message: SharedMessage): void;
  /** What the agent does not see, in the viewport's CSS pixels. */
  masked(): Box[];
}

/** `early`: what was noted before this part was loaded. */
export type SharerLoader = (host: SharerHost, early?: Early) => Promise<Sharer>;
