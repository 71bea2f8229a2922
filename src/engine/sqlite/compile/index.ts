export { compileIndexKey } from './index-key.js'
export { type CompiledSelect, compileCount, compileFill, compileSelect } from './select.js'
export { heldOrder } from './source.js'
