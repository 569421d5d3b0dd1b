/** The part of the table of messages that says what is wrong with a command line and the files that it names. Tools alone say it. */

export const commandMessages = {
  'usage.key': ['{field} is no key: it takes {allowed}', '{field}: не ключ; допустимо: {allowed}'],
  'usage.explanation': [
    '{field}: {value}, line {at} is no line of `serve --explain`',
    '{field}: {value}, строка {at} — не строка `serve --explain`',
  ],
  'usage.refundRules': [
    '{field}: nothing is given back without a payment unless TAPDIP_REFUND_LIMIT or TAPDIP_REFUND_PASSWORD allows it; `tapdip order refund` gives back what was paid',
    '{field}: без оплаты возврат возможен, только если его разрешает TAPDIP_REFUND_LIMIT или TAPDIP_REFUND_PASSWORD; `tapdip order refund` возвращает оплаченное',
  ],
  'usage.terminal': [
    '{field} is for a person at a terminal, and standard input is none: without it, lines turn the knobs',
    '{field} — для человека за терминалом, а стандартный ввод им не является; без него строки меняют состояние',
  ],
  'usage.noOption': ['there is no option {field}; there are {allowed}', 'нет параметра {field}; есть {allowed}'],
  'usage.noOptionMeant': ['there is no option {field}; did you mean {meant}?', 'нет параметра {field}; возможно, {meant}?'],
  'usage.noCommand': ["there is no command '{field}'; there are {allowed}", 'нет команды «{field}»; есть {allowed}'],
  'usage.noCommandMeant': ["there is no command '{field}'; did you mean '{meant}'?", 'нет команды «{field}»; возможно, «{meant}»?'],
  'usage.noDialect': [
    "{field} is '{value}': readers of family {family} speak one language only",
    '{field}: «{value}»; у картридеров семейства {family} только один протокол',
  ],
  'usage.noPinPad': [
    '{field}: readers of family {family} have no PIN pad; {able} have one',
    '{field}: у картридеров семейства {family} нет клавиатуры ПИН; она есть у {able}',
  ],
  'usage.noTrace': ['{field}: {value}, line {at}: neither a run nor a trace', '{field}: {value}, строка {at}: не запуск и не трассировка'],
  'usage.part': ['{field}: {value}: {path} is not accepted ({allowed})', '{field}: {value}: {path} не принимается ({allowed})'],
  'usage.noCases': ['{field}: none of {value} cases is meant', '{field}: из случаев ({value}) не выбран ни один'],
  'usage.scenario.missing': ['{field}: {path} must be there', '{field}: не хватает {path}'],
  'usage.scenario.text': ['{field}: {allowed}', '{field}: {allowed}'],
  'usage.scenario.rule': ["{field}: {path} is '{value}', it takes {allowed}", '{field}: {path}: «{value}»; допустимо: {allowed}'],
  'usage.scenario.field': [
    "{field}: {path}: there is no field '{value}'; there are {allowed}",
    '{field}: {path}: нет поля «{value}»; есть {allowed}',
  ],
  'usage.scenario.fieldMeant': [
    "{field}: {path}: there is no field '{value}'; did you mean '{meant}'? There are {allowed}",
    '{field}: {path}: нет поля «{value}»; возможно, «{meant}»? Есть {allowed}',
  ],
  'usage.scenario.oneOf': ["{field}: {path} is '{value}', it takes {allowed}", '{field}: {path}: «{value}»; допустимо: {allowed}'],
  'usage.scenario.meant': [
    "{field}: {path} is '{value}'; did you mean '{meant}'? It takes {allowed}",
    '{field}: {path}: «{value}»; возможно, «{meant}»? Допустимо: {allowed}',
  ],
  'usage.write': ['{field}: {value} cannot be written: {why}', '{field}: не удаётся записать {value} ({why})'],
  'usage.read': ['{field}: {value} cannot be read: {why}', '{field}: не удаётся прочитать {value} ({why})'],
  'usage.file.missing': ['{field}: there is no file {value}', '{field}: нет файла {value}'],
  'usage.file.nowhere': ['{field}: there is no directory for {value}', '{field}: нет папки для {value}'],
  'usage.file.directory': ['{field}: {value} is a directory; a file is wanted', '{field}: {value} — папка, нужен файл'],
  'usage.file.unreadable': ['{field}: {value} may not be read: no permission', '{field}: нет прав на чтение {value}'],
  'usage.file.unwritable': ['{field}: {value} may not be written: no permission', '{field}: нет прав на запись {value}'],
  'usage.file.exists': [
    '{field}: {value} is there already; --overwrite takes its place',
    '{field}: {value} уже есть; --overwrite заменит его',
  ],
  'usage.file.full': ['{field}: no room on the disk for {value}', '{field}: на диске нет места для {value}'],
  'usage.file.damaged': ['{field}: {value} is damaged or no database', '{field}: {value} повреждён или не база данных'],
  'usage.file.locked': ['{field}: another process has {value} open', '{field}: {value} занят другим процессом'],
  'usage.file.noName': ["{field}: '{value}' is no name of a file", '{field}: «{value}» не может быть именем файла'],
  'usage.file.noBook': ['{field}: {value} cannot be opened as a file', '{field}: {value} не открывается как файл'],
  'knob.done': ['done', 'выполнено'],
  'play.fresh': ['the card is {card}: it signs anew, with the test keys', 'это карта {card}: она подписывает заново тестовыми ключами'],
  'play.verbatim': [
    'the card is none of the profiles: it answers what was recorded',
    'такой карты среди профилей нет: она отвечает так, как записано',
  ],
  'help.values': ['one of {values}', 'допустимо: {values}'],
  'help.default': ['{value} when left out', 'по умолчанию {value}'],
} as const
