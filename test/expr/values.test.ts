import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeDate, makeTimestamp, Pixeltable, QueryError, t, when } from '../../src/index.js'

/** What each operator gives, computed in SQL: for the values below, what Python 3.11 gives for the same call. */

let pxt: Pixeltable
const open = async () => {
  const table = await pxt.createTable('one', { nothing: t.string().nullable(), j: t.json<any>(), n: t.int() })
  await table.insert({ nothing: null, j: { tags: ['a', 'b'], boxes }, n: 2 })
  return table
}
const boxes = [{ label: 'cat', s: 0.9 }, { label: 'dog' }, { label: null, s: 0.7 }, 'odd']
let one: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  pxt = await Pixeltable.open(':memory:')
  one = await open()
})
afterAll(() => pxt.close())

const compute = async (build: (c: any) => any): Promise<any> =>
  (await one.select((c) => ({ value: build(c) })).firstOrThrow()).value

/** Constants as expressions: no column is null, so the other branch of each is never taken. */
const constant = (value: unknown): any => when(makeDate(2026, 1, 1).isNotNull(), value).otherwise(value)
const text = (value: string) => constant(value)
const whole = (value: number) => constant(value)
const number = (value: number) => constant(value).cast(t.float())
const day = (value: string) => constant(value).cast(t.date())
const at = (value: string) => constant(new Date(value))

const asInPython: [() => any, unknown][] = [
  [() => text("they're bill's friends").title(), "They'Re Bill'S Friends"],
  [() => text("they're bill's friends").capitalize(), "They're bill's friends"],
  [() => text("they're bill's friends").swapCase(), "THEY'RE BILL'S FRIENDS"],
  [() => text("they're bill's friends").caseFold(), "they're bill's friends"],
  [() => text('hello wORLD').title(), 'Hello World'],
  [() => text('hello wORLD').capitalize(), 'Hello world'],
  [() => text('hello wORLD').swapCase(), 'HELLO World'],
  [() => text('hello wORLD').caseFold(), 'hello world'],
  [() => text('ß ǆ ﬁn').title(), 'Ss ǅ Fin'],
  [() => text('ß ǆ ﬁn').capitalize(), 'Ss ǆ ﬁn'],
  [() => text('ß ǆ ﬁn').swapCase(), 'SS Ǆ FIN'],
  [() => text('ß ǆ ﬁn').caseFold(), 'ss ǆ fin'],
  [() => text('x1y a_b').title(), 'X1Y A_B'],
  [() => text('x1y a_b').capitalize(), 'X1y a_b'],
  [() => text('x1y a_b').swapCase(), 'X1Y A_B'],
  [() => text('x1y a_b').caseFold(), 'x1y a_b'],
  [() => text('ΟΔΟΣ').title(), 'Οδος'],
  [() => text('ΟΔΟΣ').capitalize(), 'Οδος'],
  [() => text('ΟΔΟΣ').swapCase(), 'οδος'],
  [() => text('ΟΔΟΣ').caseFold(), 'οδοσ'],
  [() => text('²').isAlnum(), true],
  [() => text('²').isAlpha(), false],
  [() => text('²').isDecimal(), false],
  [() => text('²').isDigit(), true],
  [() => text('²').isNumeric(), true],
  [() => text('²').isIdentifier(), false],
  [() => text('²').isLower(), false],
  [() => text('²').isUpper(), false],
  [() => text('²').isTitle(), false],
  [() => text('²').isSpace(), false],
  [() => text('²').isAscii(), false],
  [() => text('٣').isAlnum(), true],
  [() => text('٣').isAlpha(), false],
  [() => text('٣').isDecimal(), true],
  [() => text('٣').isDigit(), true],
  [() => text('٣').isNumeric(), true],
  [() => text('٣').isIdentifier(), false],
  [() => text('٣').isLower(), false],
  [() => text('٣').isUpper(), false],
  [() => text('٣').isTitle(), false],
  [() => text('٣').isSpace(), false],
  [() => text('٣').isAscii(), false],
  [() => text('五').isAlnum(), true],
  [() => text('五').isAlpha(), true],
  [() => text('五').isDecimal(), false],
  [() => text('五').isDigit(), false],
  [() => text('五').isNumeric(), true],
  [() => text('五').isIdentifier(), true],
  [() => text('五').isLower(), false],
  [() => text('五').isUpper(), false],
  [() => text('五').isTitle(), false],
  [() => text('五').isSpace(), false],
  [() => text('五').isAscii(), false],
  [() => text('½').isAlnum(), true],
  [() => text('½').isAlpha(), false],
  [() => text('½').isDecimal(), false],
  [() => text('½').isDigit(), false],
  [() => text('½').isNumeric(), true],
  [() => text('½').isIdentifier(), false],
  [() => text('½').isLower(), false],
  [() => text('½').isUpper(), false],
  [() => text('½').isTitle(), false],
  [() => text('½').isSpace(), false],
  [() => text('½').isAscii(), false],
  [() => text('Ⅷ').isAlnum(), true],
  [() => text('Ⅷ').isAlpha(), false],
  [() => text('Ⅷ').isDecimal(), false],
  [() => text('Ⅷ').isDigit(), false],
  [() => text('Ⅷ').isNumeric(), true],
  [() => text('Ⅷ').isIdentifier(), true],
  [() => text('Ⅷ').isLower(), false],
  [() => text('Ⅷ').isUpper(), true],
  [() => text('Ⅷ').isTitle(), true],
  [() => text('Ⅷ').isSpace(), false],
  [() => text('Ⅷ').isAscii(), false],
  [() => text('12').isAlnum(), true],
  [() => text('12').isAlpha(), false],
  [() => text('12').isDecimal(), true],
  [() => text('12').isDigit(), true],
  [() => text('12').isNumeric(), true],
  [() => text('12').isIdentifier(), false],
  [() => text('12').isLower(), false],
  [() => text('12').isUpper(), false],
  [() => text('12').isTitle(), false],
  [() => text('12').isSpace(), false],
  [() => text('12').isAscii(), true],
  [() => text('1a').isAlnum(), true],
  [() => text('1a').isAlpha(), false],
  [() => text('1a').isDecimal(), false],
  [() => text('1a').isDigit(), false],
  [() => text('1a').isNumeric(), false],
  [() => text('1a').isIdentifier(), false],
  [() => text('1a').isLower(), true],
  [() => text('1a').isUpper(), false],
  [() => text('1a').isTitle(), false],
  [() => text('1a').isSpace(), false],
  [() => text('1a').isAscii(), true],
  [() => text('ab').isAlnum(), true],
  [() => text('ab').isAlpha(), true],
  [() => text('ab').isDecimal(), false],
  [() => text('ab').isDigit(), false],
  [() => text('ab').isNumeric(), false],
  [() => text('ab').isIdentifier(), true],
  [() => text('ab').isLower(), true],
  [() => text('ab').isUpper(), false],
  [() => text('ab').isTitle(), false],
  [() => text('ab').isSpace(), false],
  [() => text('ab').isAscii(), true],
  [() => text('').isAlnum(), false],
  [() => text('').isAlpha(), false],
  [() => text('').isDecimal(), false],
  [() => text('').isDigit(), false],
  [() => text('').isNumeric(), false],
  [() => text('').isIdentifier(), false],
  [() => text('').isLower(), false],
  [() => text('').isUpper(), false],
  [() => text('').isTitle(), false],
  [() => text('').isSpace(), false],
  [() => text('').isAscii(), true],
  [() => text('a b').isAlnum(), false],
  [() => text('a b').isAlpha(), false],
  [() => text('a b').isDecimal(), false],
  [() => text('a b').isDigit(), false],
  [() => text('a b').isNumeric(), false],
  [() => text('a b').isIdentifier(), false],
  [() => text('a b').isLower(), true],
  [() => text('a b').isUpper(), false],
  [() => text('a b').isTitle(), false],
  [() => text('a b').isSpace(), false],
  [() => text('a b').isAscii(), true],
  [() => text('Ab Cd').isAlnum(), false],
  [() => text('Ab Cd').isAlpha(), false],
  [() => text('Ab Cd').isDecimal(), false],
  [() => text('Ab Cd').isDigit(), false],
  [() => text('Ab Cd').isNumeric(), false],
  [() => text('Ab Cd').isIdentifier(), false],
  [() => text('Ab Cd').isLower(), false],
  [() => text('Ab Cd').isUpper(), false],
  [() => text('Ab Cd').isTitle(), true],
  [() => text('Ab Cd').isSpace(), false],
  [() => text('Ab Cd').isAscii(), true],
  [() => text('Abc De1F').isAlnum(), false],
  [() => text('Abc De1F').isAlpha(), false],
  [() => text('Abc De1F').isDecimal(), false],
  [() => text('Abc De1F').isDigit(), false],
  [() => text('Abc De1F').isNumeric(), false],
  [() => text('Abc De1F').isIdentifier(), false],
  [() => text('Abc De1F').isLower(), false],
  [() => text('Abc De1F').isUpper(), false],
  [() => text('Abc De1F').isTitle(), true],
  [() => text('Abc De1F').isSpace(), false],
  [() => text('Abc De1F').isAscii(), true],
  [() => text('_x1').isAlnum(), false],
  [() => text('_x1').isAlpha(), false],
  [() => text('_x1').isDecimal(), false],
  [() => text('_x1').isDigit(), false],
  [() => text('_x1').isNumeric(), false],
  [() => text('_x1').isIdentifier(), true],
  [() => text('_x1').isLower(), true],
  [() => text('_x1').isUpper(), false],
  [() => text('_x1').isTitle(), false],
  [() => text('_x1').isSpace(), false],
  [() => text('_x1').isAscii(), true],
  [() => text('1x').isAlnum(), true],
  [() => text('1x').isAlpha(), false],
  [() => text('1x').isDecimal(), false],
  [() => text('1x').isDigit(), false],
  [() => text('1x').isNumeric(), false],
  [() => text('1x').isIdentifier(), false],
  [() => text('1x').isLower(), true],
  [() => text('1x').isUpper(), false],
  [() => text('1x').isTitle(), false],
  [() => text('1x').isSpace(), false],
  [() => text('1x').isAscii(), true],
  [() => text('\t \n').isAlnum(), false],
  [() => text('\t \n').isAlpha(), false],
  [() => text('\t \n').isDecimal(), false],
  [() => text('\t \n').isDigit(), false],
  [() => text('\t \n').isNumeric(), false],
  [() => text('\t \n').isIdentifier(), false],
  [() => text('\t \n').isLower(), false],
  [() => text('\t \n').isUpper(), false],
  [() => text('\t \n').isTitle(), false],
  [() => text('\t \n').isSpace(), true],
  [() => text('\t \n').isAscii(), true],
  [() => text('ÀÉ').isAlnum(), true],
  [() => text('ÀÉ').isAlpha(), true],
  [() => text('ÀÉ').isDecimal(), false],
  [() => text('ÀÉ').isDigit(), false],
  [() => text('ÀÉ').isNumeric(), false],
  [() => text('ÀÉ').isIdentifier(), true],
  [() => text('ÀÉ').isLower(), false],
  [() => text('ÀÉ').isUpper(), true],
  [() => text('ÀÉ').isTitle(), false],
  [() => text('ÀÉ').isSpace(), false],
  [() => text('ÀÉ').isAscii(), false],
  [() => text('àé').isAlnum(), true],
  [() => text('àé').isAlpha(), true],
  [() => text('àé').isDecimal(), false],
  [() => text('àé').isDigit(), false],
  [() => text('àé').isNumeric(), false],
  [() => text('àé').isIdentifier(), true],
  [() => text('àé').isLower(), true],
  [() => text('àé').isUpper(), false],
  [() => text('àé').isTitle(), false],
  [() => text('àé').isSpace(), false],
  [() => text('àé').isAscii(), false],
  [() => text('🎬').isAlnum(), false],
  [() => text('🎬').isAlpha(), false],
  [() => text('🎬').isDecimal(), false],
  [() => text('🎬').isDigit(), false],
  [() => text('🎬').isNumeric(), false],
  [() => text('🎬').isIdentifier(), false],
  [() => text('🎬').isLower(), false],
  [() => text('🎬').isUpper(), false],
  [() => text('🎬').isTitle(), false],
  [() => text('🎬').isSpace(), false],
  [() => text('🎬').isAscii(), false],
  [() => text('abc').center(6, '*'), '*abc**'],
  [() => text('abcd').center(7, '*'), '**abcd*'],
  [() => text('ab').center(7), '   ab  '],
  [() => text('-42').zfill(6), '-00042'],
  [() => text('+1').zfill(4), '+001'],
  [() => text('🎬').zfill(3), '00🎬'],
  [() => text('a,b,c').partition(','), ['a', ',', 'b,c']],
  [() => text('a,b,c').partitionLast(','), ['a,b', ',', 'c']],
  [() => text('abc').partitionLast(','), ['', '', 'abc']],
  [() => text('abc').partition(','), ['abc', '', '']],
  [() => text(' a  b c ').split(), ['a', 'b', 'c']],
  [() => text(' a  b c ').split(undefined, 1), ['a', 'b c ']],
  [() => text(' a  b c ').splitLast(undefined, 1), [' a  b', 'c']],
  [() => text('a,b,,c').split(','), ['a', 'b', '', 'c']],
  [() => text('a,b,,c').split(',', 2), ['a', 'b', ',c']],
  [() => text('a,b,,c').splitLast(',', 2), ['a,b', '', 'c']],
  [() => text('').split(','), ['']],
  [() => text('').split(), []],
  [() => text('a\r\nb\n\nc\u2028d\n').splitLines(), ['a', 'b', '', 'c', 'd']],
  [() => text('a\r\nb').splitLines(true), ['a\r\n', 'b']],
  [() => text('').splitLines(), []],
  [() => text('banana').indexOf('an', 2), 3],
  [() => text('banana').indexOf('an', -3), 3],
  [() => text('banana').lastIndexOf('an', 0, 4), 1],
  [() => text('🎬x').indexOf('x'), 1],
  [() => text('abc').indexOf('', 4), -1],
  [() => text('abc').indexOf('', 3), 3],
  [() => text('abc').lastIndexOf(''), 3],
  [() => text('abcdef').slice(-3, -1), 'de'],
  [() => text('abcdef').slice(undefined, undefined, -2), 'fdb'],
  [() => text('abcdef').slice(4, 1), ''],
  [() => text('abcdef').slice(1, 100), 'bcdef'],
  [() => text('banana').count('ana'), 1],
  [() => text('abc').count(''), 4],
  [() => text('banana').replaceAll('a', 'o', 2), 'bonona'],
  [() => text('abc').replaceAll('', '-'), '-a-b-c-'],
  [() => text('abc').replaceAll('', '-', 2), '-a-bc'],
  [() => text('aaa').replaceAll('a', 'b', 0), 'aaa'],
  [() => text('xxabcxy').trim('xy'), 'abc'],
  [() => text('abc').repeat(-1), ''],
  [() => text('abc').removeSuffix(''), 'abc'],
  [() => text('  lead  and   more words here').wrap(10), ['  lead', 'and   more', 'words here']],
  [() => text('supercalifragilistic is long').wrap(6), ['superc', 'alifra', 'gilist', 'ic is', 'long']],
  [() => text('the quick brown-fox jumps').wrap(11), ['the quick', 'brown-fox', 'jumps']],
  [() => text('foo--bar a--b').wrap(6), ['foo--', 'bar a', '--b']],
  [() => text('').wrap(5), []],
  [() => text('{} {}').formatWith('a', 1), 'a 1'],
  [() => text('{1}-{0}').formatWith('a', 'b'), 'b-a'],
  [() => text('{:>8.2f}|').formatWith(2.34567), '    2.35|'],
  [() => text('{:,}').formatWith(1234567), '1,234,567'],
  [() => text('{:+d} {:05d}').formatWith(3, -42), '+3 -0042'],
  [() => text('{:^7}|').formatWith('ab'), '  ab   |'],
  [() => text('{:*<6}').formatWith('ab'), 'ab****'],
  [() => text('{:x} {:#b} {:o}').formatWith(255, 5, 8), 'ff 0b101 10'],
  [() => text('{:.3}').formatWith('abcdef'), 'abc'],
  [() => text('{:.1%}').formatWith(0.256), '25.6%'],
  [() => text('{:e}').formatWith(12345.678), '1.234568e+04'],
  [() => text('{:g} {:g}').formatWith(1.234e-5, 1234567.0), '1.234e-05 1.23457e+06'],
  [() => text('{{}} {}').formatWith(1), '{} 1'],
  [() => text('{:_}').formatWith(1234567), '1_234_567'],
  [() => text('{:=+7.1f}').formatWith(2.25), '+   2.2'],
  [() => text('{name}: {n:03}').formatWith({ name: 'x', n: 7 }), 'x: 007'],
  [() => number(0.5).round(0), 0.0],
  [() => number(1.5).round(0), 2.0],
  [() => number(2.5).round(0), 2.0],
  [() => number(-2.5).round(0), -2.0],
  [() => number(2.675).round(2), 2.67],
  [() => number(0.125).round(2), 0.12],
  [() => number(0.375).round(2), 0.38],
  [() => number(1e16).round(2), 1e16],
  [() => number(1234.5678).round(-2), 1200.0],
  [() => number(25.0).round(-1), 20.0],
  [() => number(35.0).round(-1), 40.0],
  [() => number(-0.5).round(0), -0.0],
  [() => number(5e-324).round(3), 0.0],
  [() => number(2500000000000000.5).round(0), 2500000000000000.0],
  [() => whole(7).floorDiv(2), 3],
  [() => whole(-7).floorDiv(2), -4],
  [() => whole(7).floorDiv(-2), -4],
  [() => whole(-7).floorDiv(-2), 3],
  [() => whole(0).floorDiv(5), 0],
  [() => number(1.0).floorDiv(0.1), 9.0],
  [() => number(-1.0).floorDiv(0.1), -10.0],
  [() => number(7.5).floorDiv(2.0), 3.0],
  [() => number(-7.5).floorDiv(2.0), -4.0],
  [() => number(1e300).floorDiv(1e-10), Infinity],
  [() => whole(-7).mod(3), -1],
  [() => whole(7).div(2), 3.5],
  [() => day('2024-02-29').isoCalendar(), { year: 2024, week: 9, weekday: 4 }],
  [() => day('2024-02-29').toOrdinal(), 738945],
  [() => day('2024-02-29').weekday(), 3],
  [
    () => day('2024-02-29').strftime('%a %A %w %d %b %B %m %y %H %I %p %M %S %f %j %U %W %V %u %x %X %c %%'),
    'Thu Thursday 4 29 Feb February 02 24 00 12 AM 00 00 000000 060 08 09 09 4 02/29/24 00:00:00 Thu Feb 29 00:00:00 2024 %',
  ],
  [() => day('2020-12-31').isoCalendar(), { year: 2020, week: 53, weekday: 4 }],
  [() => day('2020-12-31').toOrdinal(), 737790],
  [() => day('2020-12-31').weekday(), 3],
  [
    () => day('2020-12-31').strftime('%a %A %w %d %b %B %m %y %H %I %p %M %S %f %j %U %W %V %u %x %X %c %%'),
    'Thu Thursday 4 31 Dec December 12 20 00 12 AM 00 00 000000 366 52 52 53 4 12/31/20 00:00:00 Thu Dec 31 00:00:00 2020 %',
  ],
  [() => day('2021-01-03').isoCalendar(), { year: 2020, week: 53, weekday: 7 }],
  [() => day('2021-01-03').toOrdinal(), 737793],
  [() => day('2021-01-03').weekday(), 6],
  [
    () => day('2021-01-03').strftime('%a %A %w %d %b %B %m %y %H %I %p %M %S %f %j %U %W %V %u %x %X %c %%'),
    'Sun Sunday 0 03 Jan January 01 21 00 12 AM 00 00 000000 003 01 00 53 7 01/03/21 00:00:00 Sun Jan  3 00:00:00 2021 %',
  ],
  [() => day('2026-01-01').isoCalendar(), { year: 2026, week: 1, weekday: 4 }],
  [() => day('2026-01-01').toOrdinal(), 739617],
  [() => day('2026-01-01').weekday(), 3],
  [
    () => day('2026-01-01').strftime('%a %A %w %d %b %B %m %y %H %I %p %M %S %f %j %U %W %V %u %x %X %c %%'),
    'Thu Thursday 4 01 Jan January 01 26 00 12 AM 00 00 000000 001 00 00 01 4 01/01/26 00:00:00 Thu Jan  1 00:00:00 2026 %',
  ],
  [() => day('0001-01-01').isoCalendar(), { year: 1, week: 1, weekday: 1 }],
  [() => day('0001-01-01').toOrdinal(), 1],
  [() => day('0001-01-01').weekday(), 0],
  [() => day('9999-12-31').isoCalendar(), { year: 9999, week: 52, weekday: 5 }],
  [() => day('9999-12-31').toOrdinal(), 3652059],
  [() => day('9999-12-31').weekday(), 4],
  [
    () => day('9999-12-31').strftime('%a %A %w %d %b %B %m %y %H %I %p %M %S %f %j %U %W %V %u %x %X %c %%'),
    'Fri Friday 5 31 Dec December 12 99 00 12 AM 00 00 000000 365 52 52 52 5 12/31/99 00:00:00 Fri Dec 31 00:00:00 9999 %',
  ],
  [() => day('2015-12-28').isoCalendar(), { year: 2015, week: 53, weekday: 1 }],
  [() => day('2015-12-28').toOrdinal(), 735960],
  [() => day('2015-12-28').weekday(), 0],
  [
    () => day('2015-12-28').strftime('%a %A %w %d %b %B %m %y %H %I %p %M %S %f %j %U %W %V %u %x %X %c %%'),
    'Mon Monday 1 28 Dec December 12 15 00 12 AM 00 00 000000 362 52 52 53 1 12/28/15 00:00:00 Mon Dec 28 00:00:00 2015 %',
  ],
  [() => at('2026-03-29T00:59:59Z').inZone('Europe/Zurich').isoFormat(), '2026-03-29T01:59:59+01:00'],
  [
    () => at('2026-03-29T00:59:59Z').inZone('Europe/Zurich').strftime('%Y-%m-%d %H:%M:%S %z'),
    '2026-03-29 01:59:59 +0100',
  ],
  [() => at('2026-03-29T00:59:59Z').inZone('Europe/Zurich').date(), '2026-03-29'],
  [() => at('2026-03-29T00:59:59Z').inZone('Europe/Zurich').weekday(), 6],
  [() => at('2026-03-29T01:00:00Z').inZone('Europe/Zurich').isoFormat(), '2026-03-29T03:00:00+02:00'],
  [
    () => at('2026-03-29T01:00:00Z').inZone('Europe/Zurich').strftime('%Y-%m-%d %H:%M:%S %z'),
    '2026-03-29 03:00:00 +0200',
  ],
  [() => at('2026-03-29T01:00:00Z').inZone('Europe/Zurich').date(), '2026-03-29'],
  [() => at('2026-03-29T01:00:00Z').inZone('Europe/Zurich').weekday(), 6],
  [() => at('2026-10-25T00:30:00Z').inZone('Europe/Zurich').isoFormat(), '2026-10-25T02:30:00+02:00'],
  [
    () => at('2026-10-25T00:30:00Z').inZone('Europe/Zurich').strftime('%Y-%m-%d %H:%M:%S %z'),
    '2026-10-25 02:30:00 +0200',
  ],
  [() => at('2026-10-25T00:30:00Z').inZone('Europe/Zurich').date(), '2026-10-25'],
  [() => at('2026-10-25T00:30:00Z').inZone('Europe/Zurich').weekday(), 6],
  [() => at('2026-10-25T01:30:00.5Z').inZone('Europe/Zurich').isoFormat(), '2026-10-25T02:30:00.500000+01:00'],
  [
    () => at('2026-10-25T01:30:00.5Z').inZone('Europe/Zurich').strftime('%Y-%m-%d %H:%M:%S %z'),
    '2026-10-25 02:30:00 +0100',
  ],
  [() => at('2026-10-25T01:30:00.5Z').inZone('Europe/Zurich').date(), '2026-10-25'],
  [() => at('2026-10-25T01:30:00.5Z').inZone('Europe/Zurich').weekday(), 6],
  [() => at('2026-01-15T12:00:00Z').inZone('America/St_Johns').isoFormat(), '2026-01-15T08:30:00-03:30'],
  [
    () => at('2026-01-15T12:00:00Z').inZone('America/St_Johns').strftime('%Y-%m-%d %H:%M:%S %z'),
    '2026-01-15 08:30:00 -0330',
  ],
  [() => at('2026-01-15T12:00:00Z').inZone('America/St_Johns').date(), '2026-01-15'],
  [() => at('2026-01-15T12:00:00Z').inZone('America/St_Johns').weekday(), 3],
  [() => at('2026-07-01T00:00:00Z').inZone('Australia/Lord_Howe').isoFormat(), '2026-07-01T10:30:00+10:30'],
  [
    () => at('2026-07-01T00:00:00Z').inZone('Australia/Lord_Howe').strftime('%Y-%m-%d %H:%M:%S %z'),
    '2026-07-01 10:30:00 +1030',
  ],
  [() => at('2026-07-01T00:00:00Z').inZone('Australia/Lord_Howe').date(), '2026-07-01'],
  [() => at('2026-07-01T00:00:00Z').inZone('Australia/Lord_Howe').weekday(), 2],
  [() => at('1500-06-01T12:00:00Z').inZone('Europe/Zurich').isoFormat(), '1500-06-01T12:34:08+00:34:08'],
  [
    () => at('1500-06-01T12:00:00Z').inZone('Europe/Zurich').strftime('%Y-%m-%d %H:%M:%S %z'),
    '1500-06-01 12:34:08 +003408',
  ],
  [() => at('1500-06-01T12:00:00Z').inZone('Europe/Zurich').date(), '1500-06-01'],
  [() => at('1500-06-01T12:00:00Z').inZone('Europe/Zurich').weekday(), 4],
  [
    () => makeTimestamp({ year: 2026, month: 3, day: 29, hour: 2, minute: 30, zone: 'Europe/Zurich' }).cast(t.string()),
    '2026-03-29T01:30:00.000Z',
  ],
  [
    () =>
      makeTimestamp({ year: 2026, month: 10, day: 25, hour: 2, minute: 30, zone: 'Europe/Zurich' }).cast(t.string()),
    '2026-10-25T00:30:00.000Z',
  ],
  [
    () => makeTimestamp({ year: 2026, month: 1, day: 1, hour: 8, minute: 30, zone: 'Asia/Kolkata' }).cast(t.string()),
    '2026-01-01T03:00:00.000Z',
  ],
  [
    () => makeTimestamp({ year: 2011, month: 12, day: 31, hour: 0, minute: 30, zone: 'Pacific/Apia' }).cast(t.string()),
    '2011-12-30T10:30:00.000Z',
  ],
  [
    () =>
      makeTimestamp({ year: 2026, month: 3, day: 8, hour: 2, minute: 30, zone: 'America/New_York' }).cast(t.string()),
    '2026-03-08T07:30:00.000Z',
  ],
  [() => at('2026-10-24T10:00:00Z').inZone('Europe/Zurich').addDays(1).cast(t.string()), '2026-10-25T11:00:00.000Z'],
  [() => day('2024-02-29').addDays(366), '2025-03-01'],
  [() => day('2024-02-29').replace({ year: 2023 }), null],
]

test('as in Python', async () => {
  for (const [build, expected] of asInPython) {
    const value = await compute(build)
    expect(value === 0 ? 0 : value, String(build)).toEqual(expected === 0 ? 0 : expected)
  }
})

describe('casts', () => {
  const types = {
    string: t.string(),
    int: t.int(),
    bigint: t.bigint(),
    float: t.float(),
    bool: t.bool(),
    timestamp: t.timestamp(),
    date: t.date(),
    uuid: t.uuid(),
    json: t.json(),
  }
  test.each<[unknown, keyof typeof types, unknown]>([
    [' 42 ', 'int', 42],
    ['4.5', 'int', null],
    ['9007199254740993', 'int', null],
    ['9007199254740993', 'bigint', 9007199254740993n],
    ['9223372036854775808', 'bigint', null],
    [-2.9, 'int', -2],
    [1e300, 'int', null],
    [true, 'int', 1],
    ['1e3', 'float', 1000],
    ['abc', 'float', null],
    ['', 'float', null],
    [3, 'float', 3],
    [0, 'bool', false],
    ['TRUE', 'bool', true],
    ['yes', 'bool', null],
    [1.5, 'string', '1.5'],
    [false, 'string', 'false'],
    [new Date(0), 'string', '1970-01-01T00:00:00.000Z'],
    [[1, 'a'], 'string', '[1,"a"]'],
    ['2026-02-30', 'date', null],
    ['2026-02-28', 'timestamp', new Date('2026-02-28T00:00:00Z')],
    ['2026-02-28T10:00:00+02:00', 'timestamp', new Date('2026-02-28T08:00:00Z')],
    ['2026-02-28T10:00:00', 'timestamp', null],
    [new Date('2026-02-28T23:59:59Z'), 'date', '2026-02-28'],
    ['F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6', 'uuid', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
    ['{"a":[1,null]}', 'json', { a: [1, null] }],
    ['{a}', 'json', null],
  ])('%s to %s', async (value, type, expected) => {
    expect(await compute(() => constant(value).cast(types[type]))).toEqual(expected)
  })

  test('a vector from a list, and back', async () => {
    expect(await compute(() => constant([1, 2.5]).cast(t.vector(2)))).toEqual(new Float32Array([1, 2.5]))
    expect(await compute(() => constant([1, 2.5]).cast(t.vector(2)).toList())).toEqual([1, 2.5])
    expect(await compute(() => constant([1, 2.5]).cast(t.vector(3)))).toBeNull()
  })
})

describe('rules', () => {
  test('division by zero, and what has no real value, is null', async () => {
    for (const build of [
      () => whole(1).div(0),
      () => whole(1).floorDiv(0),
      () => whole(1).mod(0),
      () => number(0).pow(-1),
      () => number(-8).pow(1 / 3),
      () => number(-1).sqrt(),
      () => number(0).log(),
      () => number(-1).log10(),
      () => number(1.5).bitAnd(1),
    ]) {
      expect(await compute(build), String(build)).toBeNull()
    }
  })

  test('a bigint is exact to 64 bits, and null beyond', async () => {
    const big = constant(2n ** 53n + 1n)
    expect(await compute(() => big.add(2))).toBe(9007199254740995n)
    expect(await compute(() => big.mod(10))).toBe(3n)
    expect(await compute(() => constant(2n ** 63n - 1n).add(1))).toBeNull()
    expect(await compute(() => constant(-(2n ** 63n)).abs())).toBeNull()
    expect(await compute(() => big.add(0.5))).toBeNull()
    expect(await compute(() => constant(3n).pow(39))).toBe(4052555153018976267n)
    expect(await compute(() => constant(3n).pow(40))).toBeNull()
  })

  test('an optional argument that is null counts as left out; a required one gives null', async () => {
    expect(await compute((c) => text('ab').padEnd(4, c.nothing))).toBe('ab  ')
    expect(await compute((c) => text('ab').replaceAll('a', c.nothing))).toBeNull()
    expect(await compute((c) => c.nothing.upper())).toBeNull()
  })

  test('regular expressions', async () => {
    expect(await compute(() => text('a1b22').findAll(/\d+/))).toEqual(['1', '22'])
    expect(await compute(() => text('k=v; x=y').findAll('(\\w)=(\\w)'))).toEqual([
      ['k', 'v'],
      ['x', 'y'],
    ])
    expect(await compute(() => text('k=v').findAll('(\\w)='))).toEqual(['k'])
    expect(await compute(() => text('2026-01').replaceRegex(/(\d+)-(\d+)/, '$2/$1'))).toBe('01/2026')
    expect(await compute(() => text('xab').matchesStart('a'))).toBe(false)
    expect(await compute(() => text('ab').matchesWhole('a|ab'))).toBe(true)
    expect(await compute(() => text('XAB').matches(/a/i))).toBe(true)
    expect(await compute(() => text('🎬').matchesWhole('.'))).toBe(true)
    expect(await compute(() => text('aXbX').count(/x/i))).toBe(2)
  })

  test('a choice takes the first condition that holds', async () => {
    expect(await compute((c) => when(c.n.gt(1), 'many').otherwise('few'))).toBe('many')
    expect(await compute((c) => when(c.nothing.eq('x'), 1).when(c.n.eq(2), 2.5).otherwise(3))).toBe(2.5)
    expect(await compute((c) => when(c.n.gt(5), c.n).otherwise(null))).toBeNull()
    expect(() => when(one.columns.n.gt(1), 'a').otherwise(3)).toThrow(/expected values of one type, got string, int/)
    expect(() => when(one.columns.n as never, 'a')).toThrow(/expected a condition/)
  })

  test('nullIf', async () => {
    expect(await compute((c) => c.n.nullIf(2))).toBeNull()
    expect(await compute((c) => c.n.nullIf(3))).toBe(2)
    expect(await compute((c) => c.j.get('tags').get(0).nullIf('a'))).toBeNull()
  })
})

describe('lists', () => {
  test('a path into every element keeps positions and nulls', async () => {
    expect(await compute((c) => c.j.get('boxes').all().get('label'))).toEqual(['cat', 'dog', null, null])
    expect(await compute((c) => c.j.get('none').all().get('label'))).toBeNull()
    expect(await compute((c) => c.j.get('boxes').all().get('label').all().count())).toBe(2)
  })

  test('map, filter and sortBy, nested, over the row’s columns too', async () => {
    expect(await compute((c) => c.j.get('boxes').map((x: any) => x.get('s').mul(c.n)))).toEqual([1.8, null, 1.4, null])
    expect(await compute((c) => c.j.get('boxes').filter((x: any) => x.get('s').gt(0.8)))).toEqual([boxes[0]])
    expect(await compute((c) => c.j.get('tags').map((x: any) => c.j.get('tags').map((y: any) => x.concat(y))))).toEqual(
      [
        ['aa', 'ab'],
        ['ba', 'bb'],
      ],
    )
    expect(
      await compute((c) =>
        c.j
          .get('boxes')
          .sortBy((x: any) => x.get('s'))
          .all()
          .get('s'),
      ),
    ).toEqual([0.7, 0.9, null, null])
    expect(
      await compute((c) =>
        c.j
          .get('boxes')
          .sortBy((x: any) => x.get('s').desc({ nulls: 'first' }))
          .all()
          .get('s'),
      ),
    ).toEqual([null, null, 0.9, 0.7])
    expect(await compute(() => constant([3, 'b', true, null, 'a', [0], 0.5]).sortBy())).toEqual([
      0.5,
      true,
      3,
      [0],
      'a',
      'b',
      null,
    ])
  })

  test('what is no list gives null', async () => {
    for (const method of ['map', 'filter', 'sortBy'] as const) {
      expect(await compute((c) => c.j[method]((x: any) => x.isNull()))).toBeNull()
    }
    expect(await compute((c) => c.j.sum())).toBeNull()
    expect(await compute((c) => c.j.get('tags').keys())).toBeNull()
    expect(await compute((c) => c.j.get('tags').sum())).toBeNull()
  })

  test('sums and extremes leave nulls out', async () => {
    expect(await compute(() => constant([1, null, 2.5]).sum())).toBe(3.5)
    expect(await compute(() => constant([1, null, 2]).mean())).toBe(1.5)
    expect(await compute(() => constant([]).sum())).toBe(0)
    expect(await compute(() => constant([]).mean())).toBeNull()
    expect(await compute(() => constant(['b', null, 'a']).min())).toBe('a')
    expect(await compute(() => constant([1, 'a']).max())).toBeNull()
    expect(await compute(() => constant([[1, [2]], 3]).flatten())).toEqual([1, [2], 3])
    expect(await compute(() => constant([1, null, true, 'x']).join('-'))).toBe('1-true-x')
  })
})

describe('nulls in a sort order', () => {
  test('stand where they are told to, in SQL and in JavaScript', async () => {
    const { udf } = await import('../../src/index.js')
    const same = udf({ name: 'values_same', version: 1, onNull: 'skip' }, (x: number) => x)
    const table = await pxt.createTable('sorted', { n: t.int().nullable() })
    await table.insert([{ n: 2 }, { n: null }, { n: 1 }])
    for (const key of [(c: any) => c.n, (c: any) => same(c.n)]) {
      const by = async (order: (e: any) => any) =>
        (await table.orderBy((c) => order(key(c))).collect()).map((found) => found.n)
      expect(await by((e) => e.asc())).toEqual([1, 2, null])
      expect(await by((e) => e.desc())).toEqual([2, 1, null])
      expect(await by((e) => e.asc({ nulls: 'first' }))).toEqual([null, 1, 2])
      expect(await by((e) => e.desc({ nulls: 'first' }))).toEqual([null, 2, 1])
    }
    expect(() => table.columns.n.asc({ nulls: 'middle' as never })).toThrow(/expected 'first' or 'last'/)
  })

  test('JSON numbers sort as numbers', async () => {
    const table = await pxt.createTable('json_sorted', { j: t.json<{ n: number }>() })
    await table.insert([{ j: { n: 10 } }, { j: { n: 9 } }])
    const found = await table.orderBy((c) => c.j.get('n').asc()).collect()
    expect(found.map(({ j }) => j.n)).toEqual([9, 10])
  })
})

describe('misuse is refused at the call', () => {
  const cases: [string, (c: any) => unknown, RegExp][] = [
    ['another type', (c) => c.n.upper(), /upper\(\) does not work on the int column 'n'/],
    ['the type of a result', (c) => c.nothing.length().upper(), /upper\(\) does not work on the int expression/],
    ['too few arguments', (c) => c.n.add(), /add\(\): expected 1 argument, got 0/],
    ['too many arguments', (c) => c.n.abs(1), /abs\(\): expected 0 arguments, got 1/],
    ['undefined', (c) => c.n.eq(undefined), /eq\(\): expected 1 argument|got undefined/],
    [
      'a constant of another kind',
      (c) => c.nothing.padEnd('x'),
      /padEnd\(\), argument 1: expected a whole number, got the string "x"/,
    ],
    ['a fraction', (c) => c.nothing.repeat(1.5), /expected a whole number/],
    ['NaN', (c) => c.n.add(Number.NaN), /not NaN/],
    [
      'an expression of another type',
      (c) => c.nothing.concat(c.n),
      /expected text or json, got an expression of type int/,
    ],
    ['a bad pattern', (c) => c.nothing.matches('('), /expected a regular expression/],
    ['a pattern of a row', (c) => c.nothing.matches(c.nothing), /a constant/],
    ['an unknown zone', () => makeTimestamp({ year: 2026, month: 1, day: 1, zone: 'Mars' }), /IANA time zone/],
    ['an unknown normal form', (c) => c.nothing.normalize('NFX'), /NFC, NFD, NFKC, NFKD/],
    ['a step of zero', (c) => c.nothing.slice(0, 1, 0), /step other than 0/],
    ['an unknown field', () => day('2026-01-01').replace({ weekday: 1 }), /there is no field 'weekday'/],
    ['no type', (c) => c.n.cast('int'), /expected a type such as t\.int\(\)/],
    ['a media type', (c) => c.n.cast(t.image()), /nothing can be cast to a file/],
    ['no function', (c) => c.j.map('x'), /expected a function/],
    [
      'a predicate that is dropped',
      (c) => c.j.filter((x: any) => x.get('a').gt(1) && x.get('b').gt(2)),
      /filter\(\): a predicate was built but is not part/,
    ],
    ['a number of arrays', (c) => c.n.in(3), /expected an array of values/],
  ]
  test.each(cases)('%s', (_, build, message) => {
    const attempt = () => one.select((c) => ({ value: build(c) as never }))
    expect(attempt).toThrow(QueryError)
    expect(attempt).toThrow(message)
  })
})
