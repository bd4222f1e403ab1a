// Copyright the Parley authors. SPDX-License-Identifier: Apache-2.0
export * from './common/index';
export * from './phone/index';
