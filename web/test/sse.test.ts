import { expect, it } from 'vitest'
import { EventParser } from '../src/lib/sse'

const STREAM =
  ': keep-alive\n\nevent: state\ndata: {"epoch":1}\n\nevent: state\r\ndata: {"a":\r\ndata: 2}\r\n\r\ndata:x\rid: 7\r\rdata: cut off'
const EVENTS = [
  { event: 'state', data: '{"epoch":1}' },
  { event: 'state', data: '{"a":\n2}' },
  { event: 'message', data: 'x' },
]

it('reads events with every kind of line end, and leaves out comments and what is not complete', () => {
  expect(new EventParser().push(STREAM)).toEqual(EVENTS)
})

it('reads the same wherever the stream is cut', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new EventParser()
    expect([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))]).toEqual(EVENTS)
  }
})

it('reads the same letter by letter', () => {
  const parser = new EventParser()
  expect([...STREAM].flatMap(letter => parser.push(letter))).toEqual(EVENTS)
})
