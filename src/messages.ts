/** The one table of user-visible text, English and Russian, keyed by semantic id. */

import type { Fault } from './errors.ts'

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
  'reader.lowBattery': ['LOW BATTERY. PLEASE CHARGE', 'БАТАРЕЯ РАЗРЯЖЕНА. ЗАРЯДИТЕ'],
  'reader.outOfService': ['OUT OF SERVICE', 'НЕ РАБОТАЕТ'],
  // EMV Contactless Book A, 9.4.
  'reader.cardReadOk': ['CARD READ OK. PLEASE REMOVE CARD', 'КАРТА ПРОЧИТАНА. УБЕРИТЕ КАРТУ'],
  'reader.insertOrSwipe': ['PLEASE INSERT OR SWIPE CARD', 'ВСТАВЬТЕ ИЛИ ПРОКАТАЙТЕ КАРТУ'],
  'reader.presentOneCard': ['PLEASE PRESENT ONE CARD ONLY', 'ПРИЛОЖИТЕ ТОЛЬКО ОДНУ КАРТУ'],
  'reader.approvedSign': ['APPROVED. PLEASE SIGN', 'ОДОБРЕНО. ПОДПИШИТЕСЬ'],
  'reader.authorising': ['AUTHORISING. PLEASE WAIT', 'АВТОРИЗАЦИЯ. ПОДОЖДИТЕ'],
  'reader.tryAnotherCard': ['INSERT, SWIPE OR TRY ANOTHER CARD', 'ВСТАВЬТЕ, ПРОКАТАЙТЕ ИЛИ ПРИЛОЖИТЕ ДРУГУЮ КАРТУ'],
  'reader.seePhone': ['PLEASE SEE PHONE', 'СМОТРИТЕ НА ТЕЛЕФОН'],
  'reader.presentCardAgain': ['PRESENT CARD AGAIN', 'ПРИЛОЖИТЕ КАРТУ ЕЩЁ РАЗ'],
  'reader.idle': ['WELCOME', 'ДОБРО ПОЖАЛОВАТЬ'],
  // The app's screens, in the words of the mPOS guide (seed 002).
  'app.connecting': ['Connecting to reader {reader}…', 'Подключение картридера {reader}…'],
  'app.connected': ['Reader {reader} is ready.', 'Картридер {reader} готов.'],
  'app.battery': ['Battery: {battery}', 'Заряд: {battery}'],
  'app.charging': ['charging', 'заряжается'],
  'app.presentCard': ['Please insert, swipe or tap the card.', 'Пожалуйста, вставьте/прокатайте/приложите карту.'],
  'app.cardInserted': ['Chip card inserted.', 'Вставлена чиповая карта.'],
  'app.cardTapped': ['Contactless card tapped.', 'Приложена бесконтактная карта.'],
  'app.cardSwiped': ['Card swiped.', 'Карта прокатана.'],
  'app.cardRemoved': ['The card was removed.', 'Карта извлечена.'],
  'app.wait': ['Please wait…', 'Пожалуйста, подождите…'],
  'app.selectApplication': ['Choose the payment system', 'Выберите платёжную систему'],
  'app.selectApplicationHelp': [
    'The card supports several payment systems. Ask the customer and choose the one to pay with:',
    'Карта поддерживает несколько платёжных систем. Уточните у покупателя и выберите подходящий вариант для проведения оплаты:',
  ],
  'app.selectOnReader': ['The customer chooses the payment system on the reader.', 'Покупатель выбирает платёжную систему на картридере.'],
  'app.chosen': ['Chosen: {label}', 'Выбрано: {label}'],
  'app.choicePrompt': ['Number (empty cancels): ', 'Номер (пусто — отмена): '],
  'app.choiceUnknown': ["The card has no '{label}': it offers {labels}.", 'На карте нет «{label}»: есть {labels}.'],
  'app.enterPin': ['The customer enters the PIN on the reader.', 'Покупатель вводит PIN-код на картридере.'],
  'app.pinOk': ['PIN entered.', 'PIN-код введён.'],
  'app.pinWrong': ['Wrong PIN: the customer enters it again.', 'Неверный PIN-код: покупатель вводит его снова.'],
  'app.pinLastTry': ['Wrong PIN: the last try.', 'Неверный PIN-код: последняя попытка.'],
  'app.authorising': ['Asking for authorisation…', 'Запрос авторизации…'],
  'app.signature': ['CUSTOMER SIGNATURE', 'ПОДПИСЬ ПОКУПАТЕЛЯ'],
  'app.signaturePrompt': [
    'Sign (c clears, x cancels the payment, empty does nothing): ',
    'Введите подпись (c — очистить, x — отменить оплату): ',
  ],
  'app.signatureEmpty': ['There is no stroke yet.', 'Подпись ещё не выполнена.'],
  'app.reconciling': ['The result is not known yet: asking the host…', 'Платёж в процессе: запрос результата…'],
  'app.reversing': ['Taking the approval back…', 'Отмена одобренной операции…'],
  'app.advising': ['Telling the host of the offline payment…', 'Передача оффлайн-платежа на сервер…'],
  'app.approved': ['APPROVED', 'ОПЛАЧЕНО'],
  'app.declined': ['DECLINED: {reason}', 'ОТКАЗ: {reason}'],
  'app.cancelled': ['CANCELLED: {reason}', 'ОТМЕНЕНО: {reason}'],
  'app.unknown': [
    'UNKNOWN: the host may have approved; ask for the state of order {order} before paying again.',
    'В ПРОЦЕССЕ: хост мог одобрить платёж; узнайте состояние заказа {order}, прежде чем платить снова.',
  ],
  'app.noReaders': ['No readers found nearby.', 'Картридеры поблизости не найдены.'],
  // Faults, by code: the words before the detail.
  'fault.bad-argument': ['Not accepted', 'Не принято'],
  'fault.bad-hex': ['Not hexadecimal', 'Не шестнадцатеричная строка'],
  'fault.bad-config': ['The configuration is not accepted', 'Конфигурация не принята'],
  'fault.bad-uri': ['The address is not understood', 'Адрес не понят'],
  'fault.tlv': ['The data is no valid TLV', 'Данные не являются TLV'],
  'fault.dol': ['The data object list is malformed', 'Список объектов данных искажён'],
  'fault.apdu': ['The APDU is malformed', 'APDU искажён'],
  'fault.bad-swipe': ['The card was not read: swipe it again', 'Карта не прочитана: прокатайте ещё раз'],
  'fault.bad-key': ['The key is refused', 'Ключ отвергнут'],
  'fault.card-removed': ['The card was removed', 'Карта извлечена'],
  'fault.card-mute': ['The card does not answer', 'Карта не отвечает'],
  'fault.link-closed': ['The connection to the reader was lost', 'Связь с картридером потеряна'],
  'fault.link-failed': ['The connection could not be opened', 'Не удалось установить связь'],
  'fault.missing-library': ['A library is not installed', 'Не установлена библиотека'],
  'fault.not-found': ['Not found', 'Не найдено'],
  'fault.busy': ['In use by somebody else', 'Занято другим'],
  'fault.timeout': ['No answer in time', 'Нет ответа в срок'],
  'fault.aborted': ['Cancelled', 'Отменено'],
  'fault.protocol': ['The reader said something unexpected', 'Картридер ответил неожиданно'],
  'fault.unsupported': ['Not supported', 'Не поддерживается'],
  'fault.reader-error': ['The reader reports an error', 'Картридер сообщил об ошибке'],
  'fault.low-battery': ['The reader’s battery is too low: charge it', 'Недостаточный заряд батареи картридера: зарядите его'],
  'fault.update-required': ['The reader needs a firmware update', 'Необходимо обновить прошивку картридера'],
  'fault.tampered': ['The reader was tampered with: take it out of service', 'Вскрытие картридера: выведите его из работы'],
  'fault.host-unreachable': ['The host cannot be reached: nothing was sent', 'Нет связи с хостом: ничего не отправлено'],
  'fault.host-no-answer': ['The host did not answer', 'Хост не ответил'],
  'fault.host-error': ['The host’s answer is not understood', 'Ответ хоста не понят'],
  'fault.internal': ['Internal error', 'Внутренняя ошибка'],
  // Why a payment was not approved.
  'reason.offlineDeclined': ['declined offline by the card or the terminal', 'отклонено картой или терминалом'],
  'reason.hostDeclined': ['declined by the bank', 'отклонено банком'],
  'reason.cardDeclined': [
    'the card declined after the bank approved; the approval is reversed',
    'карта отклонила операцию после одобрения банка; одобрение отменяется',
  ],
  'reason.unableToGoOnline': ['the bank could not be reached', 'нет связи с банком'],
  'reason.referral': ['call the bank', 'позвоните в банк'],
  'reason.cardholderCancelled': ['cancelled by the customer', 'отменено покупателем'],
  'reason.merchantCancelled': ['cancelled by the merchant', 'отменено продавцом'],
  'reason.cardRemoved': ['the card was removed', 'карта извлечена'],
  'reason.cardTimeout': ['no card was presented in time', 'карта не предъявлена вовремя'],
  'reason.cardMute': ['the chip does not answer', 'чип не отвечает'],
  'reason.cardError': ['the card’s data is not valid', 'ошибка данных карты'],
  'reason.cardBlocked': ['the card is blocked', 'карта заблокирована'],
  'reason.applicationBlocked': ['the application is blocked', 'приложение карты заблокировано'],
  'reason.noApplication': ['the card has no application that is accepted here', 'на карте нет принимаемых приложений'],
  'reason.notAccepted': ['the card does not allow this payment', 'карта не разрешает эту операцию'],
  'reason.pinTimeout': ['no PIN was entered in time', 'PIN-код не введён вовремя'],
  'reason.tryAnotherInterface': ['try another way to read the card', 'попробуйте другой способ чтения карты'],
  'reason.linkLost': ['the connection to the reader was lost', 'связь с картридером потеряна'],
  'reason.readerError': ['the reader reported an error', 'ошибка картридера'],
  // The slip, in the words of the mPOS guide (seed 002).
  'receipt.merchant': ['MERCHANT', 'ПРЕДПРИЯТИЕ'],
  'receipt.terminal': ['Terminal', 'Терминал'],
  'receipt.order': ['Order', 'Заказ'],
  'receipt.paid': ['PAID', 'ОПЛАЧЕН'],
  'receipt.declined': ['DECLINED', 'ОТКАЗ'],
  'receipt.cancelled': ['CANCELLED', 'ОТМЕНЁН'],
  'receipt.unknown': ['IN PROCESS', 'В ПРОЦЕССЕ'],
  'receipt.amount': ['Amount', 'Сумма'],
  'receipt.commission': ['Commission', 'Комиссия'],
  'receipt.aid': ['AID', 'AID'],
  'receipt.tvr': ['TVR', 'TVR'],
  'receipt.tsi': ['TSI', 'TSI'],
  'receipt.card': ['Card', 'Карта'],
  'receipt.pan': ['PAN', 'PAN'],
  'receipt.cardholder': ['Cardholder', 'Держатель'],
  'receipt.cvm': ['Verified by', 'Проверка'],
  'receipt.cvm.none': ['not needed', 'не требуется'],
  'receipt.cvm.onlinePin': ['PIN', 'ПИН-код'],
  'receipt.cvm.offlinePin': ['PIN (checked by the card)', 'ПИН-код (проверен картой)'],
  'receipt.cvm.signature': ['signature', 'подпись'],
  'receipt.cvm.device': ['cardholder’s device', 'устройство держателя'],
  'receipt.rrn': ['RRN', 'RRN'],
  'receipt.authorisationCode': ['Authorisation code', 'Код авторизации'],
  'receipt.responseCode': ['Response code', 'Код ответа'],
  'receipt.date': ['Date', 'Дата'],
  'receipt.signature': ['Signature', 'Подпись'],
  // What a host's response code means (ISO 8583:1987, field 39), for merchant and customer.
  'host.00': ['approved', 'одобрено'],
  'host.01': ['call the card’s bank', 'обратитесь в банк, выпустивший карту'],
  'host.04': ['keep the card', 'изымите карту'],
  'host.05': ['the bank does not say why', 'банк не назвал причину'],
  'host.09': ['the order is still being processed', 'заказ ещё обрабатывается'],
  'host.12': ['the operation is not valid', 'недопустимая операция'],
  'host.13': ['the amount is not valid', 'недопустимая сумма'],
  'host.14': ['no such card', 'нет такой карты'],
  'host.41': ['the card was reported lost', 'карта утеряна'],
  'host.43': ['the card was reported stolen', 'карта украдена'],
  'host.51': ['not enough money', 'недостаточно средств'],
  'host.54': ['the card has expired', 'срок действия карты истёк'],
  'host.55': ['wrong PIN', 'неверный ПИН-код'],
  'host.57': ['the card may not do this', 'операция запрещена для карты'],
  'host.58': ['the terminal may not do this', 'операция запрещена для терминала'],
  'host.61': ['more than the card’s limit', 'превышен лимит карты'],
  'host.62': ['the card is restricted', 'карта ограничена'],
  'host.65': ['paid too often', 'слишком частые операции'],
  'host.75': ['too many wrong PINs', 'превышено число попыток ввода ПИН-кода'],
  'host.88': ['the card’s cryptogram is wrong', 'неверная криптограмма карты'],
  'host.91': ['the card’s bank does not answer', 'банк, выпустивший карту, не отвечает'],
  'host.94': ['the order is already paid', 'заказ уже оплачен'],
  'host.96': ['the host has a fault', 'сбой системы'],
  'host.other': ['response code {code}', 'код ответа {code}'],
  // The demonstration.
  'demo.begin': ['Virtual QPOS {serial} at {uri}, acquirer at {acquirer}.', 'Виртуальный QPOS {serial}: {uri}, эквайер: {acquirer}.'],
  'demo.chip': [
    '{amount} by chip: the app shows the list, the PIN is entered on the reader',
    '{amount} чипом: приложение показывает список, PIN-код вводится на картридере',
  ],
  'demo.wrongPin': ['{amount} by chip: a wrong PIN, then the right one', '{amount} чипом: неверный PIN-код, затем верный'],
  'demo.declined': ['{amount} by chip: the bank declines', '{amount} чипом: отказ банка'],
  'demo.noMoney': ['insufficient funds', 'недостаточно средств'],
  'demo.unexpected': [
    'tapdip pay exited with {code}, {expected} was expected',
    'tapdip pay завершился с кодом {code}, ожидался {expected}',
  ],
  'demo.end': ['Done. Test keys and test cards only.', 'Готово. Только тестовые ключи и тестовые карты.'],
} as const

export type MessageId = keyof typeof table

/** The text of `id`; `{name}` in it is replaced from `params`. */
export function message(id: MessageId, language: Language = 'en', params: Readonly<Record<string, string | number>> = {}): string {
  const text: string = table[id][language === 'ru' ? 1 : 0]
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

export const messageIds = Object.keys(table) as MessageId[]

/** What a host's response code says, in words. */
export function hostMessage(code: string, language: Language = 'en'): string {
  const id = `host.${code}`
  return id in table ? message(id as MessageId, language) : message('host.other', language, { code })
}

/** A fault for people: what it means in their language, then its detail as it was raised. */
export function faultMessage(fault: Fault, language: Language = 'en'): string {
  return `${message(`fault.${fault.code}`, language)} (${fault.code}): ${fault.message}`
}
