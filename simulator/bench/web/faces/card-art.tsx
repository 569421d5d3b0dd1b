/** A card as it is drawn: its chip, its waves, its scheme's name on a plain ground. No scheme's mark is on it. */

import { CARD } from './face.ts'

/** What a drawing of a card tells. */
export interface CardLook {
  readonly scheme: string
  readonly label: string
  readonly pan: string
  readonly interfaces: readonly string[]
  readonly phone?: 'locked' | 'unlocked' | undefined
}

/** A ground for each scheme, the first word of its name; white letters have a contrast of 4.5 to 1 on every one. */
const grounds: Readonly<Record<string, string>> = {
  mir: '#1f6f4a',
  maestro: '#35507e',
  mastercard: '#7a2f1d',
  visa: '#23408e',
  amex: '#1b6680',
  american: '#1b6680',
  jcb: '#6b2a5b',
  discover: '#8a4510',
  diners: '#8a4510',
  unionpay: '#8c1f33',
  girocard: '#2f5d66',
  interac: '#6e5510',
  cartes: '#3d4f9a',
  cb: '#3d4f9a',
}

export const groundOf = (scheme: string): string => grounds[scheme.toLowerCase().split(/[\s,/]/)[0] ?? ''] ?? '#474f5b'

function Chip() {
  return (
    <g class="chip">
      <rect x="9" y="19" width="12" height="9.5" rx="1.6" fill="#d9bd6a" />
      <path d="M9 22.2h4M9 25.3h4M17 22.2h4M17 25.3h4M13 19v9.5M17 19v9.5" stroke="#8b7430" stroke-width=".45" fill="none" />
    </g>
  )
}

function Waves() {
  return (
    <path
      d="M25 20.6a5.4 5.4 0 0 1 0 6.4M27.2 19.2a8 8 0 0 1 0 9.2M29.4 17.8a10.6 10.6 0 0 1 0 12"
      stroke="#fff"
      stroke-width=".8"
      fill="none"
      stroke-linecap="round"
    />
  )
}

/** The card in landscape, in millimetres from its upper left corner. */
export function CardArt({ look }: { look: CardLook }) {
  const { scheme, label, pan, interfaces, phone } = look
  const first = label.length > 22 ? `${label.slice(0, 21)}…` : label
  return (
    <g class="card-art">
      <rect width={CARD.long} height={CARD.short} rx={phone ? 6 : CARD.radius} fill={phone ? '#15181d' : groundOf(scheme)} />
      {phone && <rect x="3" y="3" width={CARD.long - 6} height={CARD.short - 6} rx="4" fill={groundOf(scheme)} />}
      {!phone && <rect width={CARD.long} height={CARD.short / 2} rx={CARD.radius} fill="#fff" opacity=".07" />}
      {interfaces.includes('chip') && !phone && <Chip />}
      {interfaces.includes('tap') && <Waves />}
      <text x="8" y="12" font-size="6.4" font-weight="600" fill="#fff">
        {first}
      </text>
      <text x="8" y="38" font-size="5.4" fill="#fff" class="pan">
        {pan}
      </text>
      <text x={CARD.long - 7} y="48" font-size="5.6" font-weight="700" text-anchor="end" fill="#fff">
        {scheme}
      </text>
      {phone && (
        <text x="8" y="48" font-size="5" fill="#fff">
          {phone === 'locked' ? '🔒' : '🔓'}
        </text>
      )}
    </g>
  )
}
