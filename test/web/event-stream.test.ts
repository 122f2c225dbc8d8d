import t from 'tap'
import { EventParser } from '../../web/event-stream.js'

t.test('events are read from text that arrives in any pieces', async (t) => {
  const text = ':\n\nevent: changes\nid: A~1\ndata: {"a":1}\n\n: comment\n\nevent: reset\r\nid: B\r\ndata: {}\r\n\r\n'
  for (let size = 1; size <= text.length; size++) {
    const parser = new EventParser()
    const events = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => parser.push(text.slice(i * size, (i + 1) * size))).flat()
    t.same(events, [{ name: 'changes', id: 'A~1' }, { name: 'reset', id: 'B' }], `${size} characters`)
  }
})
