// The module for `import`. It passes on the CommonJS module, so that both kinds of importers share the same classes.
export { ApiError, connect, DEFAULT_KEYS, start, StartError } from './index.js'
export type * from './index.js'
