// Copyright the Parley authors. SPDX-License-Identifier: Apache-2.0
export { assist, CallPanel } from './call_panel';
export type { AssistOptions } from '../../sdk/src/assist/consumer_module';
export { CallView } from './call_view';
export { DevicePicker } from './device_picker';
export type { DeviceChoice, DeviceKind } from './device_picker';
export { icons } from './icons';
export { Keypad } from './keypad';
export * from './texts';
export { Toasts } from './toasts';
export { controls, hostTokens, pageTokens } from './tokens';
export { ToolbarButton } from './toolbar_button';
export { VideoView } from './video_view';
