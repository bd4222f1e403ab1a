// /assistserver/sdk/web/agent/agent.js and parley-agent.mjs: the client SDK and the agents' part.
// Copyright the Parley authors. SPDX-License-Identifier: Apache-2.0
export * from '../../index';
export * from './index';
