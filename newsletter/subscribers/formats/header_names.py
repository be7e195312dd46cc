"""Names of columns with addresses and names of people, in many languages."""
# ruff: noqa: RUF001 - words in Cyrillic and Greek have letters that look like Latin ones

from collections.abc import Sequence

from newsletter.subscribers.words import phrase_key

_ADDRESS = {
    "English": "email|e-mail|email address|e-mail address|mail|mail address|emailaddress|subscriber email",
    "German": "e-mail-adresse|emailadresse|e-mailadresse|mailadresse|mail-adresse|deine e-mail-adresse|"
    "ihre e-mail-adresse|elektronische adresse",
    "French": "adresse e-mail|adresse mail|adresse email|courriel|adresse courriel|adresse de courriel|"
    "adresse électronique|votre adresse e-mail|mél",
    "Spanish": "correo electrónico|correo|correo-e|dirección de correo electrónico|dirección de correo|"
    "dirección de email|dirección email|tu correo electrónico",
    "Portuguese": "endereço de e-mail|endereço de email|endereço e-mail|correio eletrônico|"
    "correio eletrónico|endereço de correio eletrónico",
    "Italian": "indirizzo e-mail|indirizzo email|indirizzo mail|posta elettronica|"
    "indirizzo di posta elettronica",
    "Dutch": "e-mailadres|emailadres|mailadres|e-mail adres",
    "Polish": "adres e-mail|adres email|adres mailowy|adres poczty elektronicznej|poczta elektroniczna",
    "Czech, Slovak": "e-mailová adresa|emailová adresa|e-mailový adresa",
    "Danish, Norwegian": "e-mailadresse|e-postadresse|e-post|epost|epostadresse|e-post-adresse",
    "Swedish": "e-postadress|epostadress|mejladress|mejl|mailadress",
    "Finnish": "sähköposti|sähköpostiosoite",
    "Hungarian": "e-mail cím|email cím|e-mail-cím|drótposta",
    "Romanian": "adresă de e-mail|adresa de e-mail|adresă e-mail|adresa e-mail|poștă electronică",
    "South Slavic": "e-mail adresa|email adresa|e-pošta|elektronska pošta|e-poštni naslov",
    "Turkish": "e-posta|eposta|e-posta adresi|eposta adresi|mail adresi",
    "Russian": "электронная почта|адрес электронной почты|эл. почта|почта|имейл|e-mail адрес|email адрес",
    "Ukrainian": "електронна пошта|адреса електронної пошти|імейл|ел. пошта",
    "Bulgarian": "имейл адрес|електронна поща|е-поща",
    "Greek": "διεύθυνση email|διεύθυνση e-mail|ηλεκτρονική διεύθυνση|ηλεκτρονικό ταχυδρομείο|"
    "διεύθυνση ηλεκτρονικού ταχυδρομείου",
    "Japanese": "メールアドレス|メール|eメール|eメールアドレス|電子メール|電子メールアドレス|email アドレス",
    "Chinese": "邮箱|电子邮件|电子邮箱|邮箱地址|邮件地址|电子邮件地址|邮件|"
    "電子郵件|電子郵件地址|電子信箱|電郵|信箱|電郵地址",
    "Korean": "이메일|이메일 주소|메일 주소|메일|전자우편|전자 메일",
    "Arabic": "البريد الإلكتروني|بريد إلكتروني|عنوان البريد الإلكتروني",
    "Hebrew": 'אימייל|דואר אלקטרוני|כתובת אימייל|כתובת דואר אלקטרוני|דוא״ל|דוא"ל|מייל',
    "Hindi": "ईमेल|ईमेल पता",
    "Thai": "อีเมล|ที่อยู่อีเมล",
    "Vietnamese": "địa chỉ email|thư điện tử",
    "Indonesian": "alamat email|surel|alamat surel",
    # The last: in a file with two of these columns it is the place where a person lives.
    "our own": "address",
}
_FULL = {
    "English": "name|full name|fullname|display name|subscriber name|your name",
    "others": "vollständiger name|nom complet|nombre completo|nombre y apellidos|nome completo|"
    "volledige naam|imię i nazwisko|navn|namn|nimi|ad soyad|adı soyadı|полное имя|фио|имя и фамилия|"
    "ονοματεπώνυμο|氏名|名前|お名前|姓名|이름|성명|الاسم|الاسم الكامل|שם מלא|नाम|ชื่อ|"
    "họ và tên|họ tên|nama|nama lengkap|naam|név",
}
_FIRST = {
    "English": "first name|firstname|fname|given name|givenname|forename",
    "others": "vorname|prénom|nombre|nombres|nome|primeiro nome|voornaam|imię|křestní jméno|jméno|meno|"
    "fornavn|förnamn|etunimi|keresztnév|prenume|ime|adı|isim|имя|ім'я|име|όνομα|名",
}
_LAST = {
    "English": "last name|lastname|lname|surname|family name|familyname",
    "others": "nachname|familienname|zuname|nom|nom de famille|apellido|apellidos|sobrenome|apelido|cognome|"
    "achternaam|nazwisko|příjmení|priezvisko|efternavn|etternavn|efternamn|sukunimi|vezetéknév|nume|"
    "nume de familie|prezime|soyadı|фамилия|прізвище|фамилно име|επώνυμο|姓",
}
_JOINED = {
    "English": "joined|joined at|join date|date joined|subscribed at|subscribed on|subscription date|"
    "date subscribed|signup date|sign up date|signed up at|opt in time|opt in date|optin time|confirmed at|"
    "confirm time|consent at|consent date|created at|creation date|date added|registered at",
    "others": "anmeldedatum|angemeldet am|date d'inscription|fecha de alta|fecha de suscripción|"
    "data de inscrição|data iscrizione|data di iscrizione|inschrijfdatum|aanmelddatum",
}
# Beside one of these, a column `Name` has the family name.
_FIRST_BESIDE_FAMILY = ("vorname", "voornaam", "fornavn")


def _key(name: str) -> str:
    """Return a name as it is compared, without the asterisk of a field that forms require."""
    return phrase_key(name.replace("*", " "))


def _table(languages: dict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_key, "|".join(languages.values()).split("|"))))


_ADDRESSES = _table(_ADDRESS)
_FULL_NAMES, _FIRST_NAMES, _LAST_NAMES = _table(_FULL), _table(_FIRST), _table(_LAST)
_JOINED_TIMES = _table(_JOINED)


def is_address_name(name: str) -> bool:
    """Return True for the name of a column with addresses."""
    return _key(name) in _ADDRESSES


def address_position(header: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> int | None:
    """Return the position of the column with the addresses, by its name; rows decide between several."""
    keys = [_key(name) for name in header]
    found = [keys.index(name) for name in _ADDRESSES if name in keys]
    return max(found, key=lambda n: sum("@" in row[n] for row in rows), default=None)


def name_positions(header: Sequence[str]) -> tuple[int, ...]:
    """Return the positions of the columns whose words make the name of a person, in their order."""
    full, first, last = (_position(header, table) for table in (_FULL_NAMES, _FIRST_NAMES, _LAST_NAMES))
    if full is None:
        parts = (first, last)
    elif first is not None and last is None and _key(header[first]) in _FIRST_BESIDE_FAMILY:
        parts = (first, full)
    elif first is None and last is not None:
        parts = (full, last)
    else:
        parts = (full, None)
    return tuple(part for part in parts if part is not None)


def joined_position(header: Sequence[str]) -> int | None:
    """Return the position of the column with the time of the consent."""
    return _position(header, _JOINED_TIMES)


def _position(header: Sequence[str], names: Sequence[str]) -> int | None:
    keys = [_key(name) for name in header]
    return next((keys.index(name) for name in names if name in keys), None)
