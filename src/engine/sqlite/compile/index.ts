export { type CompiledSelect, compileCount, compileSelect } from './select.js'
export { heldOrder } from './source.js'
