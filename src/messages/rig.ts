/** The part of the table of messages for whoever runs a rig: `tapdip keys` and the demonstration. */

export const rigMessages = {
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
  // `tapdip-sim test`.
  'test.at': ['reader {reader}, card {card}, seed {seed}', 'картридер {reader}, карта {card}, seed {seed}'],
  'test.expected': ['expected', 'ожидалось'],
  'test.actual': ['was', 'получено'],
  'test.screens': ['the last screens:', 'последние экраны:'],
  'test.ready': ['Enter when ready: ', 'Enter, когда готово: '],
  'test.failed': ['failed', 'не пройден'],
  'test.summary': [
    '{passed} passed, {failed} failed, {skipped} skipped in {seconds} s',
    'пройдено {passed}, не пройдено {failed}, пропущено {skipped} за {seconds} с',
  ],
  'test.flaky': ['({flaky} only when tried again)', '({flaky} только с новой попытки)'],
  // `tapdip-sim provoke`.
  'provoke.none': ['no scenario', 'сценария нет'],
  'provoke.cannot': ['not {reader}', '{reader} — нет'],
  'provoke.result': ['result', 'результат'],
  'provoke.receipt': ['slip', 'чек'],
  'provoke.rule': ['rule', 'правило'],
  'provoke.reader': ['reader', 'картридер'],
  'provoke.host': ['acquirer', 'эквайер'],
  'provoke.app': ['your app', 'ваше приложение'],
  'provoke.ends': ['it ends', 'исход'],
  'provoke.again': ['ready for the next payment', 'готово к следующей оплате'],
  'provoke.orRun': ['or', 'или'],
  'provoke.exit': ['tapdip pay would exit with {code}', 'tapdip pay завершился бы с кодом {code}'],
} as const
