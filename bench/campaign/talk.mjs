/** What is said on the host's lines: questions and answers of HTTP and ISO 8583 read, and answers written, as a host could have said them. */

import { answerFields } from '../../dist/src/payment/host/iso8583/answers.js'
import { isoSide } from '../../dist/src/payment/host/iso8583/codec.js'
import { isoDialect } from '../../dist/src/payment/host/iso8583/dialect.js'
import { answerType, privateOf, setPrivate } from '../../dist/src/payment/host/iso8583/messages.js'

const dialect = isoDialect()
const kinds = {
  'POST v1/authorisations': 'authorise',
  'POST v1/advices': 'advise',
  'GET v1/authorisations/*': 'status',
  'POST v1/authorisations/*/reversal': 'reverse',
  'GET v1/orders/*': 'order',
}

/** The JSON between the first brace and the last: chunked or not, ours are in one piece. */
function jsonIn(text) {
  try {
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))
  } catch {
    return undefined
  }
}

const subject = ({ order, amount, currency }) => ({ order: order?.number, amount, currency })

/**
 * Each line reads a question (`kind`, `key`, `order`, `amount`, `currency` as far as it has them), reads an answer (`said`: the JSON of the interface), and writes one:
 * `say(question, said, answer)`, changed from `answer`, or a host's own where there is none. `none`: that there is no such order.
 */
export const talk = {
  http: {
    question(frame) {
      const text = frame.toString('utf8')
      const [, method, path] = /^(\w+) \/(\S+)/.exec(text) ?? []
      if (path === undefined) return undefined
      const [version, what, name, action] = path.split('?')[0].split('/')
      const kind = kinds[[`${method} ${version}`, what, name && '*', action].filter(Boolean).join('/')]
      if (name !== undefined) return { kind, [kind === 'order' ? 'order' : 'key']: decodeURIComponent(name) }
      const body = jsonIn(text.slice(text.indexOf('\r\n\r\n')))
      return { kind, key: body?.key, ...subject(body ?? {}) }
    },
    answer(frame) {
      const text = frame.toString('utf8')
      const said = /^HTTP\/1\.1 200 /.test(text) ? jsonIn(text) : undefined
      return said && { said }
    },
    say: (_question, said) => response('200 OK', said),
    none: () => response('404 Not Found', { error: 'no such order' }),
  },
  iso: {
    question(frame) {
      const message = messageIn(frame)
      if (!message) return undefined
      const { task, order, amount, currency, number } = privateOf(message, dialect) ?? {}
      const common = { message, trace: message.fields.get(11), key: message.fields.get(62) }
      switch (message.type) {
        case '0100':
        case '0200':
          return { ...common, kind: 'authorise', ...subject({ order, amount, currency }) }
        case '0120':
        case '0220':
          return { ...common, kind: 'advise', ...subject({ order, amount, currency }) }
        case '0420':
        case '0421':
          return { ...common, kind: 'reverse' }
        case '0600':
          return { ...common, kind: task === 'order' ? 'order' : 'status', ...(task === 'order' && { order: number }) }
        default:
          return common
      }
    },
    answer(frame) {
      const message = messageIn(frame)
      const told = message && privateOf(message, dialect)
      if (!told || told.error !== undefined) return message && { message, trace: message.fields.get(11) }
      const of = number => message.fields.get(number)?.trim()
      const code = of(39)
      const final = ['approved', 'declined', 'referral'].includes(told.state)
      const said = {
        ...told,
        ...(final && { code, rrn: of(37), authorisationCode: of(38) }),
        ...(code === '10' && { approvedAmount: String(BigInt(of(4))) }),
      }
      return { message, trace: message.fields.get(11), said }
    },
    say(question, said, answer) {
      const { message } = answer ?? {}
      const fields = new Map(message?.fields ?? echoed(question))
      for (const number of dialect.own.data) fields.delete(number)
      if (question.kind === 'order') setPrivate(fields, said, dialect)
      else {
        const before = answer?.said ?? { key: question.key }
        for (const number of [38, 39]) fields.delete(number)
        for (const [number, value] of answerFields(said, { dialect, ours: true, reversing: question.kind === 'reverse' }))
          fields.set(number, value)
        if (said.key !== before.key) fields.set(62, said.key)
        if (said.amount !== before.amount && said.amount !== undefined) fields.set(4, said.amount.padStart(12, '0'))
        if (said.currency !== before.currency && said.currency === 'USD') fields.set(49, '840')
      }
      return isoSide.encode({ type: message?.type ?? answerType(question.message.type), fields })
    },
    none(_question, { message: { type, fields } }) {
      const left = [...fields].filter(([number]) => !dialect.own.data.includes(number))
      return isoSide.encode({ type, fields: new Map([...left, [39, '25']]) })
    },
    write: ({ type, fields }) => isoSide.encode({ type, fields }),
  },
}

function messageIn(frame) {
  const [message] = isoSide.decoder().push(frame)
  return message && 'fields' in message ? message : undefined
}

function echoed({ message: { fields } }) {
  return [2, 3, 4, 7, 11, 12, 13, 37, 41, 42, 49, 62].filter(number => fields.has(number)).map(number => [number, fields.get(number)])
}

function response(status, json) {
  const body = Buffer.from(JSON.stringify(json))
  const head = [`HTTP/1.1 ${status}`, 'content-type: application/json', `content-length: ${body.length}`, 'connection: close']
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}
