/** The one table of user-visible text, English and Russian, keyed by semantic id. */

import * as door from '../door.ts'
import type { Fault } from '../errors.ts'
import { faultMessages } from './faults.ts'

export type Language = 'en' | 'ru'

const table = {
  ...faultMessages,
  // On the reader's display, as in the mPOS guide (seed 002) and EMV 4.4 Book 4, 11.2.
  'reader.presentCard': ['Present card.', 'Предъявите карту.'],
  'reader.insertCard': ['Insert card.', 'Вставьте карту.'],
  'reader.swipeCard': ['Swipe card.', 'Прокатайте карту.'],
  'reader.tapCard': ['Tap card.', 'Приложите карту.'],
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
  'reader.updateNeeded': ['UPDATE REQUIRED', 'ТРЕБУЕТСЯ ОБНОВЛЕНИЕ'],
  'reader.updating': ['UPDATING. DO NOT SWITCH OFF', 'ОБНОВЛЕНИЕ. НЕ ВЫКЛЮЧАЙТЕ'],
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
  'app.chooseOther': ['o chooses another reader', 'o — выбрать другой'],
  'app.connected': ['Reader {reader} is ready.', 'Картридер {reader} готов.'],
  'app.battery': ['Battery: {battery}', 'Заряд: {battery}'],
  'app.lowBattery': [
    'The reader’s battery is low: {percent} %. Charge it soon.',
    'Низкий заряд батареи картридера: {percent} %. Поставьте его на зарядку.',
  ],
  'app.charging': ['charging', 'заряжается'],
  'app.presentCard': ['Please insert, swipe or tap the card.', 'Пожалуйста, вставьте/прокатайте/приложите карту.'],
  'app.cardInserted': ['Chip card inserted.', 'Вставлена чиповая карта.'],
  'app.atrRemarks': [
    'The card’s answer to reset is not as EMV wants it: {remarks}.',
    'Ответ карты на сброс не соответствует EMV: {remarks}.',
  ],
  'app.cardTapped': ['Contactless card tapped.', 'Приложена бесконтактная карта.'],
  'app.cardSwiped': ['Card swiped.', 'Карта прокатана.'],
  'app.cardRemoved': ['The card was removed.', 'Карта извлечена.'],
  'app.wait': ['Please wait…', 'Пожалуйста, подождите…'],
  'app.chipAgain': [
    'The chip was not read: take the card out and insert it again, chip first.',
    'Чип не прочитан: извлеките карту и вставьте её снова чипом вперёд.',
  ],
  'app.chipSwipe': ['The chip cannot be read: swipe the card.', 'Чип не читается: прокатайте карту.'],
  'app.chipTap': ['The chip cannot be read: tap the card.', 'Чип не читается: приложите карту.'],
  'app.selectApplication': ['Choose the payment system', 'Выберите платёжную систему'],
  'app.nobody': ['Nobody can answer here: {flag} answers beforehand.', 'Ответить некому: ответ можно указать заранее в {flag}.'],
  'app.selectApplicationHelp': [
    'The card supports several payment systems. Ask the customer and choose the one to pay with:',
    'Карта поддерживает несколько платёжных систем. Уточните у покупателя и выберите подходящий вариант для проведения оплаты:',
  ],
  'app.selectOnReader': ['The customer chooses the payment system on the reader.', 'Покупатель выбирает платёжную систему на картридере.'],
  'app.chosenElsewhere': [
    'The reader or the card chooses the payment system: if it is not {label}, nothing is charged.',
    'Платёжную систему выбирает картридер или карта: если это не {label}, списания не будет.',
  ],
  'app.otherApplication': [
    '{paid} would be paid with, not {label}: nothing is charged.',
    'Оплата прошла бы через {paid}, а не {label}: списания нет.',
  ],
  'app.untoldApplication': [
    'Nobody tells which payment system would be paid with: {label} was asked for, so nothing is charged.',
    'Неизвестно, через какую платёжную систему прошла бы оплата: запрошена {label}, списания нет.',
  ],
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
    'Введите подпись (c — очистить, x — отменить оплату, пусто — ничего): ',
  ],
  'app.signatureEmpty': ['There is no stroke yet.', 'Подпись ещё не выполнена.'],
  'app.unreadFirmware': [
    'The reader’s firmware is “{told}”: whether {version} is newer cannot be told.',
    'Прошивка картридера: «{told}». Новее ли {version}, определить нельзя.',
  ],
  'app.newerFirmware': ['There is newer firmware for the reader: {version}.', 'Доступна новая прошивка картридера: {version}.'],
  'app.reconciling': ['The result is not known yet: asking the host…', 'Платёж в процессе: запрос результата…'],
  'app.reversing': ['Taking the approval back…', 'Отмена одобренной операции…'],
  'app.advising': ['Telling the host of the offline payment…', 'Передача оффлайн-платежа на сервер…'],
  'app.approved': ['APPROVED', 'ОПЛАЧЕНО'],
  'app.checked': ['CARD CHECKED', 'КАРТА ПРОВЕРЕНА'],
  'app.refunded': ['REFUNDED', 'ВОЗВРАТ ВЫПОЛНЕН'],
  'app.cashOut': ['APPROVED: hand out the cash', 'ОДОБРЕНО: выдайте наличные'],
  'app.toRefund': ['REFUND to the card: {amount}', 'ВОЗВРАТ на карту: {amount}'],
  'app.refundPassword': ['Password for refunds (empty cancels): ', 'Пароль для возвратов (пусто — отмена): '],
  'app.declined': ['DECLINED: {reason}', 'ОТКАЗ: {reason}'],
  'app.cancelled': ['CANCELLED: {reason}', 'ОТМЕНЕНО: {reason}'],
  'app.unknown': [
    'UNKNOWN: the host may have approved; ask for the state of order {order} before paying again.',
    'В ПРОЦЕССЕ: хост мог одобрить платёж; узнайте состояние заказа {order}, прежде чем платить снова.',
  ],
  'app.unknownCheck': [
    'UNKNOWN: the bank did not say whether the card is good. Nothing is charged by a check.',
    'НЕИЗВЕСТНО: банк не ответил, действительна ли карта. При проверке списания нет.',
  ],
  'app.connectingLast': ['Connecting to the last reader {reader}…', 'Соединение с последним подключённым картридером {reader}…'],
  'app.lastGone': [
    '{reader} is not there yet; it is looked for for {seconds} s, then another one. {why}',
    '{reader} пока недоступен; поиск {seconds} с, затем поиск другого. {why}',
  ],
  'app.searching': ['Searching for readers nearby…', 'Поиск картридеров поблизости…'],
  'app.found': ['Found reader {reader}. Connect?', 'Найден картридер {reader}. Хотите подключиться?'],
  'app.connectPrompt': [
    'Enter connects, r searches again, a number chooses another, x gives up: ',
    'Enter — подключиться, r — повторить поиск, номер — выбрать другой, x — отказаться: ',
  ],
  'app.searchAgainPrompt': ['Enter searches again, x gives up: ', 'Enter — повторить поиск, x — отказаться: '],
  'app.reconnecting': ['The reader was lost; connecting again…', 'Связь с картридером потеряна, повторное подключение…'],
  'app.updating': ['Updating the reader’s firmware ({from})…', 'Обновление прошивки картридера ({from})…'],
  'app.updated': ['The reader has its new firmware and restarts.', 'Прошивка обновлена, картридер перезапускается.'],
  'app.noReaders': ['No readers found nearby.', 'Картридеры поблизости не найдены.'],
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
  'reason.kernelUnsupported': [
    'the kernel of this payment system for taps is not supported: insert the card',
    'ядро этой платёжной системы для оплаты касанием не поддерживается: вставьте карту',
  ],
  'reason.notAccepted': ['the card does not allow this payment', 'карта не разрешает эту операцию'],
  'reason.pinTimeout': ['no PIN was entered in time', 'PIN-код не введён вовремя'],
  'reason.tryAnotherInterface': ['try another way to read the card', 'попробуйте другой способ чтения карты'],
  'reason.otherApplication': ['not the payment system that was asked for', 'другая платёжная система, не та, что была запрошена'],
  'reason.journalFailed': ['the payment could not be written down; it is taken back', 'платёж не удалось записать в журнал; он отменяется'],
  'reason.interrupted': ['the payment was interrupted; it is taken back', 'платёж был прерван; он отменяется'],
  'reason.hostContradicted': [
    'the answers of the bank contradict themselves; the payment is taken back',
    'ответы банка противоречат друг другу; платёж отменяется',
  ],
  'reason.partialApproval': [
    'the bank approved only a part of the amount; it is taken back',
    'банк одобрил только часть суммы; платёж отменяется',
  ],
  'reason.notVerified': ['the cardholder was not verified', 'держатель карты не прошёл проверку'],
  'reason.nobodyAnswered': ['nobody was there to answer', 'некому было ответить'],
  'reason.notRegistered': ['paid in cash, and refused by the server', 'оплачено наличными, но не принято сервером'],
  'reason.linkLost': ['the connection to the reader was lost', 'связь с картридером потеряна'],
  'reason.readerError': ['the reader reported an error', 'ошибка картридера'],
  // The slip, in the words of the mPOS guide (seed 002).
  'receipt.copy.merchant': ['MERCHANT COPY', 'ЭКЗЕМПЛЯР ПРЕДПРИЯТИЯ'],
  'receipt.copy.customer': ['CUSTOMER COPY', 'ЭКЗЕМПЛЯР ПОКУПАТЕЛЯ'],
  // The fiscal receipt, as in the guide's example (seed 002) and FFD.
  'fiscal.title': ['CASH RECEIPT', 'КАССОВЫЙ ЧЕК'],
  'fiscal.sale': ['SALE', 'ПРИХОД'],
  'fiscal.refund': ['REFUND OF SALE', 'ВОЗВРАТ ПРИХОДА'],
  'fiscal.notYet': ['NOT FISCAL YET', 'НЕ ФИСКАЛИЗИРОВАН'],
  'fiscal.vat': ['VAT {rate}%', 'НДС {rate}%'],
  'fiscal.noVat': ['WITHOUT VAT', 'БЕЗ НДС'],
  'fiscal.total': ['TOTAL', 'ИТОГ'],
  'fiscal.vatSum': ['Sum of VAT {rate}%', 'Сумма НДС {rate}%'],
  'fiscal.withoutVat': ['Sum without VAT', 'Сумма БЕЗ НДС'],
  'fiscal.cash': ['CASH', 'НАЛИЧНЫМИ'],
  'fiscal.cashless': ['CASHLESS', 'БЕЗНАЛИЧНЫМИ'],
  'fiscal.received': ['RECEIVED', 'ПОЛУЧЕНО'],
  'fiscal.paidOut': ['PAID OUT', 'ВЫДАНО'],
  'fiscal.change': ['CHANGE', 'СДАЧА'],
  'fiscal.taxation': ['Taxation', 'СНО'],
  'fiscal.buyer': ['Customer’s e-mail', 'Эл.адр.покупателя'],
  'fiscal.user': ['User', 'Пользователь'],
  'fiscal.address': ['Address', 'Адрес'],
  'fiscal.place': ['Place of settlement', 'Место расчетов'],
  'fiscal.cashier': ['Cashier', 'Кассир'],
  'fiscal.register': ['Register', 'ЗН ККТ'],
  'fiscal.shift': ['Shift No. {number}', 'Смена № {number}'],
  'fiscal.number': ['Receipt No. {number}', 'Чек № {number}'],
  'fiscal.date': ['Date and time', 'Дата Время'],
  'fiscal.inn': ['Taxpayer No.', 'ИНН'],
  'fiscal.operator': ['Fiscal data operator', 'ОФД'],
  'fiscal.registration': ['Registration', 'РН ККТ'],
  'fiscal.drive': ['Fiscal drive No. {number}', 'ФН № {number}'],
  'fiscal.document': ['Document No. {number}', 'ФД № {number}'],
  'fiscal.sign': ['Fiscal sign', 'ФП'],
  'fiscal.internet': ['CASH REGISTER FOR THE INTERNET', 'ККТ для ИНТЕРНЕТ'],
  'fiscal.comeAgain': ['COME AGAIN!', 'ЖДЕМ ВАС СНОВА!'],
  'taxation.osn': ['general', 'ОСН'],
  'taxation.usnIncome': ['simplified, income', 'УСН доход'],
  'taxation.usnIncomeOutcome': ['simplified, income less expenses', 'УСН доход - расход'],
  'taxation.eshn': ['agricultural', 'ЕСХН'],
  'taxation.psn': ['patent', 'ПСН'],
  'receipt.merchant': ['MERCHANT', 'ПРЕДПРИЯТИЕ'],
  'receipt.terminal': ['Terminal', 'Терминал'],
  'receipt.order': ['Order', 'Заказ'],
  'receipt.paid': ['PAID', 'ОПЛАЧЕН'],
  'receipt.approved': ['APPROVED', 'ОДОБРЕНО'],
  'receipt.type.refund': ['REFUND', 'ВОЗВРАТ'],
  'receipt.type.cash': ['CASH WITHDRAWAL', 'ВЫДАЧА НАЛИЧНЫХ'],
  'receipt.type.increment': ['INCREMENTAL AUTHORISATION', 'ДОПОЛНИТЕЛЬНАЯ АВТОРИЗАЦИЯ'],
  'receipt.type.completion': ['FINAL AMOUNT', 'ОКОНЧАТЕЛЬНАЯ СУММА'],
  'receipt.held': ['Held', 'Удержано'],
  'receipt.type.check': ['CARD CHECK', 'ПРОВЕРКА КАРТЫ'],
  'receipt.type.cashback': ['PURCHASE WITH CASHBACK', 'ПОКУПКА С ВЫДАЧЕЙ НАЛИЧНЫХ'],
  'receipt.declined': ['DECLINED', 'ОТКАЗ'],
  'receipt.cancelled': ['CANCELLED', 'ОТМЕНЁН'],
  'receipt.unknown': ['IN PROCESS', 'В ПРОЦЕССЕ'],
  'receipt.amount': ['Amount', 'Сумма'],
  'receipt.purchase': ['Purchase', 'Покупка'],
  'receipt.cashback': ['Cash', 'Наличные'],
  'receipt.tip': ['Tip', 'Чаевые'],
  'receipt.surcharge': ['Surcharge', 'Надбавка'],
  'receipt.total': ['Total', 'Итого'],
  'receipt.method': ['Paid by', 'Способ оплаты'],
  'receipt.received': ['Received', 'Получено'],
  'receipt.change': ['Change', 'Сдача'],
  'receipt.commission': ['Commission', 'Комиссия'],
  'receipt.aid': ['AID', 'AID'],
  'receipt.tvr': ['TVR', 'TVR'],
  'receipt.tsi': ['TSI', 'TSI'],
  'receipt.card': ['Card', 'Карта'],
  'receipt.pan': ['PAN', 'PAN'],
  'receipt.cardholder': ['Cardholder', 'Держатель'],
  'receipt.cvm': ['Verified by', 'Проверка'],
  'receipt.cvm.failed': ['not successful', 'не пройдена'],
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
  'host.03': ['no such merchant', 'нет такого предприятия'],
  'host.04': ['keep the card', 'изымите карту'],
  'host.05': ['the bank does not say why', 'банк не назвал причину'],
  'host.08': ['approved, with identification', 'одобрено, с удостоверением личности'],
  'host.09': ['the order is still being processed', 'заказ ещё обрабатывается'],
  'host.10': ['a part was approved', 'одобрена часть суммы'],
  'host.12': ['the operation is not valid', 'недопустимая операция'],
  'host.13': ['the amount is not valid', 'недопустимая сумма'],
  'host.14': ['no such card', 'нет такой карты'],
  'host.25': ['no such order', 'нет такого заказа'],
  'host.41': ['the card was reported lost', 'карта утеряна'],
  'host.43': ['the card was reported stolen', 'карта украдена'],
  'host.51': ['not enough money', 'недостаточно средств'],
  'host.54': ['the card has expired', 'срок действия карты истёк'],
  'host.55': ['wrong PIN', 'неверный ПИН-код'],
  'host.57': ['the card may not do this', 'операция запрещена для карты'],
  'host.58': ['the terminal may not do this', 'операция запрещена для терминала'],
  'host.61': ['more than the card’s limit', 'превышен лимит карты'],
  'host.62': ['the card is restricted', 'карта ограничена'],
  'host.63': ['the card’s data could not be authenticated', 'подлинность карты не подтверждена'],
  'host.65': ['paid too often', 'слишком частые операции'],
  'host.70': ['the cardholder was not verified', 'держатель карты не прошёл проверку'],
  'host.75': ['too many wrong PINs', 'превышено число попыток ввода ПИН-кода'],
  'host.68': ['the payment was not completed in time', 'платёж не завершён вовремя'],
  'host.83': ['the card signed other data than those of the payment', 'карта подписала не те данные, что в платеже'],
  'host.84': ['no card has approved this payment', 'карта не одобряла этот платёж'],
  'host.88': ['the card’s cryptogram is wrong', 'неверная криптограмма карты'],
  'host.91': ['the card’s bank does not answer', 'банк, выпустивший карту, не отвечает'],
  'host.94': ['the order is already paid', 'заказ уже оплачен'],
  'host.96': ['the host has a fault', 'сбой системы'],
  'host.other': ['response code {code}', 'код ответа {code}'],
  // Notifications, in the words of the mPOS guide (seed 002).
  'notice.title': ['Synchronisation with the server', 'Синхронизация с сервером'],
  'notice.state': ['The state of order No. {order} has changed to "{state}"', 'Статус заказа №{order} изменился на "{state}"'],
  'notice.synchronised': [
    'Order No. {order} was handed to the server. Date and time of the order were updated',
    'Заказ №{order} успешно передан на сервер. Дата и время проведения заказа обновлены',
  ],
  'notice.fiscalised': [
    'The fiscal document of order No. {order} was handed to Assist',
    'Фискальный документ для заказа №{order} передан в Ассист',
  ],
  'notice.refused': [
    'The server refuses the cash payment of order No. {order}: {code} {reason}',
    'Сервер не принял оплату наличными по заказу №{order}: {code} {reason}',
  ],
  'notice.discrepancy': [
    'The server’s word on order No. {order} cannot be right ({field}: {host} there, {ours} here). Nothing was changed: please check it',
    'Данные сервера по заказу №{order} не могут быть верны ({field}: {host} на сервере, {ours} здесь). Ничего не изменено: проверьте заказ',
  ],
  'discrepancy.number': ['number', 'номер'],
  'discrepancy.amount': ['amount', 'сумма'],
  'discrepancy.currency': ['currency', 'валюта'],
  'discrepancy.state': ['state', 'статус'],
  'notice.refunded': ['The refund of order No. {order} went through', 'Возврат по заказу №{order} выполнен'],
  'notice.refundDeclined': ['The refund of order No. {order} was declined', 'Возврат по заказу №{order} отклонён'],
  'notice.reversed': [
    'The interrupted payment of order No. {order} was taken back: nothing is charged',
    'Прерванный платёж по заказу №{order} отменён: деньги не списаны',
  ],
  'notice.interrupted': [
    'The payment of order No. {order} was interrupted before the bank was asked: nothing is charged',
    'Платёж по заказу №{order} прерван до запроса в банк: деньги не списаны',
  ],
  'notice.waiting': [
    'The server cannot be reached: order No. {order} is tried again',
    'Нет связи с сервером: обработка заказа №{order} будет повторена',
  ],
  'app.change': ['CHANGE', 'ПОДСЧЁТ СДАЧИ'],
  'app.received': ['Received: {amount}', 'Получено: {amount}'],
  'app.changeDue': ['Change: {amount}', 'Сдача: {amount}'],
  'app.receivedPrompt': ['Received (empty: the exact amount, x cancels): ', 'Получено (пусто — без сдачи, x — отмена): '],
  'app.tooLittle': ['{received} is less than the order: {amount}', '{received} меньше суммы заказа: {amount}'],
  'app.cashOffline': [
    'No connection to the server: the order is paid offline and will be handed over later.',
    'Нет соединения с сервером: заказ оплачен OFFLINE и будет передан на сервер позже.',
  ],
  'app.sbpWait': ['Wait…', 'Подождите...'],
  'app.sbpCode': ['SBP QR code:', 'СБП QR-код:'],
  'app.sbpScan': ['The customer scans the code with their bank’s app.', 'Покупатель сканирует QR-код банковским приложением.'],
  'app.sbpKeys': [
    'Enter shows the code again, o takes another way to pay, x cancels.',
    'Enter — показать QR-код ещё раз, o — другой способ оплаты, x — отмена.',
  ],
  'app.sbpState': ['State: {state} ↻', 'Статус заказа: {state} ↻'],
  'app.takingBack': ['Taking back the payment that hangs…', 'Отмена незавершённого платежа…'],
  'app.sbpTakingBack': ['Taking the SBP payment back first…', 'Отмена платежа СБП…'],
  'app.sbpNotTakenBack': [
    'The server has not confirmed that the SBP payment is cancelled: no other way is offered, or both might be charged.',
    'Сервер не подтвердил отмену платежа СБП: другой способ оплаты недоступен, чтобы не списать деньги дважды.',
  ],
  'app.printReceipt': [
    'Print the receipt: tapdip order receipt {order} --printer <uri>',
    'Печать чека: tapdip order receipt {order} --printer <адрес>',
  ],
  'app.alreadyPaid': ['Order {order} is already paid.', 'Заказ {order} уже оплачен.'],
  'app.inProcess': ['The payment of order {order} is still being processed.', 'Платёж по заказу {order} ещё обрабатывается.'],
  // Orders: what the screens of the mPOS guide (seed 002) show.
  'screen.orderData': ['ORDER', 'ДАННЫЕ ЗАКАЗА'],
  'screen.items': ['Items', 'Позиции заказа'],
  'screen.discount': ['DISCOUNT', 'СКИДКА'],
  'screen.total': ['Total', 'Всего'],
  'screen.prepaid': ['Prepaid before', 'Предоплачено ранее'],
  'screen.prepayment': ['Prepayment', 'Предоплата'],
  'screen.orderInformation': ['Order information', 'Информация о заказе'],
  'screen.payment': ['PAYMENT', 'ПРОВЕДЕНИЕ ПЛАТЕЖА'],
  'screen.details': ['Details', 'Детальная информация'],
  'screen.toPay': ['To pay', 'К оплате'],
  'screen.email': ['Email for the receipt', 'Email для отправки чека'],
  'screen.comment': ['Comment', 'Комментарий к заказу'],
  'screen.methods': ['METHOD OF PAYMENT', 'СПОСОБ ОПЛАТЫ'],
  'screen.result': ['RESULT', 'РЕЗУЛЬТАТ'],
  'screen.state': ['State', 'Статус заказа'],
  'screen.operation': ['Operation', 'Операция'],
  'screen.operationAmount': ['Amount', 'Сумма операции'],
  'screen.amount': ['Order amount', 'Сумма заказа'],
  'screen.method': ['Paid by', 'Способ оплаты'],
  'screen.date': ['Date', 'Дата заказа'],
  'screen.number': ['Order number', 'Номер заказа'],
  'screen.transaction': ['Transaction number', 'Номер транзакции'],
  'screen.information': ['Information', 'Информация'],
  'screen.none': ['There are no orders.', 'Заказов нет.'],
  'method.cash': ['Cash', 'Наличные'],
  'method.reader': ['Card reader', 'Картридер'],
  'method.sbp': ['SBP', 'СБП'],
  'method.softpos': ['SoftPOS', 'SoftPOS'],
  'state.new': ['Not paid', 'Не оплачен'],
  'state.checked': ['Card checked', 'Карта проверена'],
  'state.refunded': ['Refunded', 'Возврат выполнен'],
  'state.In Process': ['In process', 'В процессе'],
  'state.Delayed': ['Paid, to be confirmed', 'Оплачен, ожидает подтверждения'],
  'state.PartialDelayed': ['Confirmed in part', 'Подтверждён частично'],
  'state.Approved': ['Paid', 'Оплачен'],
  'state.PartialApproved': ['Paid in part', 'Оплачен частично'],
  'state.PartialCanceled': ['Cancelled in part', 'Отменён частично'],
  'state.Canceled': ['Cancelled', 'Отменён'],
  'state.Declined': ['Declined', 'Отказ'],
  'state.Timeout': ['Not completed in time', 'Время оплаты истекло'],
  'order.offline': ['paid offline, not at the server yet', 'оплачен OFFLINE, ещё не передан на сервер'],
  'order.waitingForHost': ['the host is asked again until it has answered', 'запрос к серверу повторяется до получения ответа'],
  'order.changed.approved': ['Done: order {order} is "{state}"', 'Выполнено: заказ {order} в состоянии «{state}»'],
  'order.changed.declined': ['REFUSED: {reason}', 'ОТКАЗ: {reason}'],
  'order.changed.unknown': [
    'The host has not answered yet: it is asked again at every start and by `tapdip order sync`.',
    'Сервер ещё не ответил: запрос повторяется при каждом запуске и командой `tapdip order sync`.',
  ],
  'order.nothingToSync': ['Nothing is waiting for the server.', 'Все заказы переданы на сервер.'],
  'order.stillWaiting': ['Waiting for the server: {count}', 'Ожидают передачи на сервер: {count}'],
  'journal.mended': ['mended: {row} ({why})', 'исправлено: {row} ({why})'],
  'journal.aside': ['set aside: {row} ({why})', 'отложено: {row} ({why})'],
  'journal.whole': ['The journal is whole.', 'Журнал не повреждён.'],
  'order.noNetwork': ['There is no connection to the server', 'Нет соединения с сервером'],
  // `tapdip keys`.
  'keys.clear': ['In clear, for a test rig only: what follows is a secret.', 'Открытые данные, только для тестового стенда: далее секрет.'],
  'keys.initialKey': ['initial key', 'начальный ключ'],
  'keys.enciphered': ['enciphered key', 'зашифрованный ключ'],
  'keys.kcv': ['check value', 'контрольное значение'],
  'keys.ksn': ['key serial number', 'серийный номер ключа'],
  'keys.pin': ['PIN', 'ПИН-код'],
  'keys.track': ['track', 'дорожка'],
  'keys.data': ['data', 'данные'],
  // The demonstration.
  'demo.begin': ['Virtual QPOS {serial} at {uri}, acquirer at {acquirer}.', 'Виртуальный QPOS {serial}: {uri}, эквайер: {acquirer}.'],
  'demo.chip': [
    '{amount} by chip: the app shows the list, the PIN is entered on the reader',
    '{amount} чипом: приложение показывает список, PIN-код вводится на картридере',
  ],
  'demo.wrongPin': ['{amount} by chip: a wrong PIN, then the right one', '{amount} чипом: неверный PIN-код, затем верный'],
  'demo.declined': ['{amount} by chip: the bank declines', '{amount} чипом: отказ банка'],
  'demo.tap': ['{amount} by tap, below 3000.00: no question asked', '{amount} касанием, меньше 3000.00: без вопросов'],
  'demo.tapVerified': [
    '{amount} by tap, from 3000.00 on: the cardholder is verified, by PIN',
    '{amount} касанием, от 3000.00: держатель подтверждает оплату PIN-кодом',
  ],
  'demo.phone': [
    '{amount} with a locked phone: its holder unlocks it, and no PIN is asked',
    '{amount} телефоном: держатель разблокирует его, и PIN-код не нужен',
  ],
  'demo.swipe': ['{amount}: a chip card that is swiped is sent to the slot', '{amount}: прокатанную карту с чипом просят вставить'],
  'demo.torn': [
    '{amount}: the card is taken away too early and held again, and pays once',
    '{amount}: карту убрали слишком рано и приложили снова; оплата одна',
  ],
  'demo.noMoney': ['insufficient funds', 'недостаточно средств'],
  'demo.unexpected': [
    'tapdip pay exited with {code}, {expected} was expected',
    'tapdip pay завершился с кодом {code}, ожидался {expected}',
  ],
  'demo.run': ['{card} pays {amount} in the kernel:', '{card}: оплата {amount} в ядре:'],
  'demo.scene': ['{number}  {title}', '{number}  {title}'],
  'demo.summary': ['What was paid:', 'Что было оплачено:'],
  'demo.result.approved': ['approved', 'одобрено'],
  'demo.result.declined': ['declined', 'отказ'],
  'demo.took': ['{result} in {seconds} s', '{result}, {seconds} с'],
  'demo.more': [
    'There is more: `npm start -- --all` shows all {count}, `npm start -- --scene <number>` one of them:',
    'Есть и другие: `npm start -- --all` покажет все {count}, `npm start -- --scene <номер>` — одну из них:',
  ],
  'demo.end': ['Done. Test keys and test cards only.', 'Готово. Только тестовые ключи и тестовые карты.'],
} as const

export type MessageId = keyof typeof table
/** Every text, as it stands in the table: English, Russian. */
export const messageTexts: Readonly<Record<MessageId, readonly [english: string, russian: string]>> = table
export const messageIds = Object.keys(table) as readonly MessageId[]

/** The text of `id`; `{name}` in it is replaced from `params`. */
export function message(id: MessageId, language: Language = 'en', params: Readonly<Record<string, string | number>> = {}): string {
  if (!(id in table)) door.need('id', id, door.oneOf(['an id of the message table']))
  const text: string = table[id][language === 'ru' ? 1 : 0]
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

/** What a host's response code says, in words. */
export function hostMessage(code: string, language: Language = 'en'): string {
  door.need('code', code, door.anyText)
  const id = `host.${code}`
  return id in table ? message(id as MessageId, language) : message('host.other', language, { code })
}

/** A fault for people in one line: what it means in their language, then its detail, in their language where it has been said so (`details.says`). */
export function faultMessage(fault: Fault, language: Language = 'en'): string {
  door.need('fault', fault, door.shape({ code: door.anyText, message: door.anyText, details: door.object }))
  const { title, detail, foreign } = faultParts(fault, language)
  return `${title}${foreign ? `. ${message('fault.details', language)}` : ''}: ${detail}`
}

/** The same with what helps. A detail that is in another language than the rest stands apart, at the end. */
export function faultLines(fault: Fault, language: Language = 'en'): readonly string[] {
  door.need('fault', fault, door.shape({ code: door.anyText, message: door.anyText, details: door.object }))
  const { title, detail, hint, foreign } = faultParts(fault, language)
  const help = hint === undefined ? [] : [hint]
  return foreign ? [title, ...help, `${message('fault.details', language)}: ${detail}`] : [`${title}: ${detail}`, ...help]
}

function faultParts(fault: Fault, language: Language) {
  const { code, details } = fault
  const reason = `${code === 'missing-library' ? 'library' : 'link'}.${details.reason}`
  const known = (code === 'link-failed' || code === 'missing-library') && reason in table
  const ofOrder = (kind: 'fault' | 'hint') => details.order !== undefined && `${kind}-order.${code}` in table // where the common words speak of a reader
  const title = `${message((known ? reason : ofOrder('fault') ? `fault-order.${code}` : `fault.${code}`) as MessageId, language)} (${code})`
  const hint = known ? `hint.${details.reason}` : ofOrder('hint') ? `hint-order.${code}` : `hint.${code}`
  const says = String(details.says)
  const said = says in table
  return {
    title,
    detail: said ? message(says as MessageId, language, Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]))) : fault.message, // biome-ignore format: one line
    hint: hint in table && !(code === 'bad-uri' && said) ? message(hint as MessageId, language) : undefined,
    foreign: language !== 'en' && !said,
  }
}
