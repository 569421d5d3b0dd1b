/** Accounts and orders as the bank has them. */

import type { BankOrder, BankState } from '../../schema/types.ts'
import { useBench, useSelect } from '../state/view.ts'

export function Accounts({ bank }: { bank: BankState }) {
  const { say, act } = useBench()
  const cards = useSelect(state => state.cards)
  const held = useSelect(state => state.held)
  const known = new Map(bank.balances.map(({ card, balance }) => [card, balance]))
  const shown = cards.filter(({ id }) => known.has(id) || id === held)
  return (
    <table class="accounts">
      <thead>
        <tr>
          <th scope="col">{say('bench.account')}</th>
          <th scope="col">{say('bench.balance')}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(card => (
          <tr key={card.id}>
            <th scope="row">
              {card.label} <small class="owner-pan">{card.pan}</small>
            </th>
            <td>
              <input
                aria-label={say('bench.balance.of', { label: card.label })}
                class="balance"
                inputMode="decimal"
                size={12}
                value={known.get(card.id) ?? ''}
                placeholder="1000000.00"
                onChange={event => act(api => api.setBalance(card.id, event.currentTarget.value))}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Order({ order }: { order: BankOrder }) {
  return (
    <li>
      <details>
        <summary>
          <b>{order.number}</b> {order.amount} {order.currency} <span class="state">{order.state}</span>
        </summary>
        <ol>
          {order.operations.map((one, at) => (
            <li key={at}>
              <b>{one.type}</b> {one.amount} <span class="state">{one.state}</span>
              <ol>
                {one.transactions.map(part => (
                  <li key={part.number}>
                    <code>{part.number}</code> {part.kind} {part.amount} <span class="state">{part.state}</span>{' '}
                    <small>{[part.code, part.rrn, part.pan, part.reversed].filter(Boolean).join(' · ')}</small>
                  </li>
                ))}
              </ol>
            </li>
          ))}
        </ol>
      </details>
    </li>
  )
}

export function Orders({ bank }: { bank: BankState }) {
  const { say } = useBench()
  if (bank.orders.length === 0) return <p class="dim">{say('bench.orders.none')}</p>
  return (
    <ol class="orders">
      {bank.orders.map(one => (
        <Order key={one.number} order={one} />
      ))}
    </ol>
  )
}
