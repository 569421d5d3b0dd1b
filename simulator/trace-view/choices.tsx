/** What pages let people choose alike: the language, and what a list is filtered by. */

import type { Language } from '../../src/messages/messages.ts'

interface LanguagesProps {
  readonly language: Language
  readonly onLanguage: (language: Language) => void
  /** Where no label stands beside it. */
  readonly label?: string
  /** Of the label that does. */
  readonly id?: string
}

export function Languages({ language, onLanguage, label, id }: LanguagesProps) {
  return (
    <select id={id} aria-label={label} value={language} onChange={event => onLanguage(event.currentTarget.value as Language)}>
      <option value="en" lang="en">
        English
      </option>
      <option value="ru" lang="ru">
        Русский
      </option>
    </select>
  )
}

interface FilterProps {
  readonly label: string
  /** What may be typed. */
  readonly placeholder: string
  readonly text: string
  readonly onText: (text: string) => void
}

export function Filter({ label, placeholder, text, onText }: FilterProps) {
  return (
    <label>
      {label} <input type="search" value={text} placeholder={placeholder} onInput={event => onText(event.currentTarget.value)} />
    </label>
  )
}
