import { randomBytes, randomUUID } from 'node:crypto'
import { stringType, uuidType } from '../../types/scalars.js'
import type { Operators } from './operator.js'

/** UUIDs. */
export const uuid: Operators = {
  uuid4: {
    operands: [],
    result: () => uuidType,
    volatile: true,
    evaluate: () => randomUUID(),
    docs: { call: 'uuid4()', does: 'A new random UUID for every row.', pixeltable: ['uuid.uuid4'] },
  },
  uuid7: {
    operands: [],
    result: () => uuidType,
    volatile: true,
    evaluate: uuid7,
    docs: {
      call: 'uuid7()',
      does: 'A new UUID for every row that begins with the time, so that later ones sort behind.',
      pixeltable: ['uuid.uuid7'],
    },
  },
  hex: {
    operands: ['text'],
    result: () => stringType,
    evaluate: (s: string) => s.replaceAll('-', ''),
    docs: { call: 'hex()', does: 'A UUID as 32 hexadecimal digits.', pixeltable: ['uuid.hex'] },
  },
}

/** The last UUID's milliseconds and counter, so that UUIDs of one millisecond sort as they were made. */
let last = 0
let counter = 0

/** Version 7 of RFC 9562, with a counter in the twelve bits behind the time. */
function uuid7(): string {
  const random = randomBytes(8)
  const now = Date.now()
  if (now > last) {
    last = now
    // Half of the counter's room is left above the random start.
    counter = random.readUInt16BE(0) & 0x7ff
  } else if (++counter > 0xfff) {
    last++
    counter = 0
  }
  const time = last.toString(16).padStart(12, '0')
  const count = counter.toString(16).padStart(3, '0')
  random[0] = (random[0]! & 0x3f) | 0x80
  const rest = random.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${rest.slice(0, 4)}-${rest.slice(4)}`
}
