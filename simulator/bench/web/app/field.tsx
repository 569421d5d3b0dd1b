/** A field of an app's screen, with what is wrong with it. */

import type { AppScreen } from '../../schema/app.ts'

interface Props {
  readonly field: NonNullable<AppScreen['fields']>[number]
  /** On the page, of this field alone. */
  readonly name: string
  readonly value: string
  readonly onType: (value: string) => void
}

const keyboards = { money: 'decimal', number: 'decimal', email: 'email', text: 'text' } as const

export function Field({ field, name, value, onType }: Props) {
  const { id, label, type, error, required } = field
  if (type === 'check')
    return (
      <label class="check">
        <input
          data-field={id}
          type="checkbox"
          checked={value === 'yes'}
          onChange={event => onType(event.currentTarget.checked ? 'yes' : '')}
        />
        {label}
      </label>
    )
  return (
    <div class={`field ${type}`}>
      <label for={`app-${name}`}>{label}</label>
      <input
        id={`app-${name}`}
        data-field={id}
        type="text"
        inputMode={keyboards[type]}
        autocomplete="off"
        maxLength={300}
        required={required}
        value={value}
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : `app-${name}-error`}
        onInput={event => onType(event.currentTarget.value)}
      />
      {error !== undefined && (
        <p class="error" id={`app-${name}-error`}>
          {error}
        </p>
      )}
    </div>
  )
}
