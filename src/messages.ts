/** The one table of user-visible text, English and Russian, keyed by semantic id. */

export type Language = 'en' | 'ru'

const table = {
  // On the reader's display, as in the mPOS guide (seed 002) and EMV 4.4 Book 4, 11.2.
  'reader.presentCard': ['Present card.', 'Предъявите карту.'],
  'reader.insertCard': ['Insert card.', 'Вставьте карту.'],
  'reader.processing': ['Processing. Please wait.', 'Обработка. Подождите.'],
  'reader.selectApplication': ['Select application:', 'Выберите приложение:'],
  'reader.enterPin': ['ENTER PIN:', 'ВВЕДИТЕ ПИН:'],
  'reader.wrongPin': ['WRONG PIN! ENTER PIN:', 'НЕВЕРНЫЙ ПИН! ВВЕДИТЕ ПИН:'],
  'reader.lastPinTry': ['LAST TRY! ENTER PIN:', 'ПОСЛЕДНЯЯ ПОПЫТКА! ВВЕДИТЕ ПИН:'],
  'reader.pinOk': ['PIN OK', 'ПИН ПРИНЯТ'],
  'reader.pinBlocked': ['PIN TRY LIMIT EXCEEDED', 'ПОПЫТКИ ВВОДА ПИН ИСЧЕРПАНЫ'],
  'reader.removeCard': ['PLEASE REMOVE CARD', 'ЗАБЕРИТЕ КАРТУ'],
  'reader.approved': ['TRANSACTION APPROVED', 'ОПЕРАЦИЯ ОДОБРЕНА'],
  'reader.successful': ['TRANSACTION SUCCESSFUL', 'ОПЕРАЦИЯ ВЫПОЛНЕНА'],
  'reader.declined': ['DECLINED', 'ОТКАЗ'],
  'reader.cancelled': ['CANCELLED', 'ОТМЕНЕНО'],
  'reader.notAccepted': ['CARD NOT ACCEPTED', 'КАРТА НЕ ПРИНЯТА'],
  'reader.cardError': ['CARD ERROR', 'ОШИБКА КАРТЫ'],
  'reader.tryAgain': ['TRY AGAIN', 'ПОВТОРИТЕ'],
  'reader.idle': ['WELCOME', 'ДОБРО ПОЖАЛОВАТЬ'],
} as const

export type MessageId = keyof typeof table

/** The text of `id`; `{name}` in it is replaced from `params`. */
export function message(id: MessageId, language: Language = 'en', params: Readonly<Record<string, string | number>> = {}): string {
  const text: string = table[id][language === 'ru' ? 1 : 0]
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

export const messageIds = Object.keys(table) as MessageId[]
