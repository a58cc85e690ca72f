"""The words by which mail clients mark what is quoted, forwarded or signed: tables, no code.

Each table holds the phrases of the common clients (Gmail, Outlook, Apple Mail, Thunderbird, Yahoo,
Samsung, QQ, Lotus Notes and others) in folded form, one line a language or language group.
Header labels are the names of the fields of RFC 5322 §3.6 as clients translate them. It knows nothing
of how a line is read: ``quotelines`` does.
"""

from __future__ import annotations

import unicodedata
from typing import Final

FROM: Final = "from"
DATE: Final = "date"
TO: Final = "to"
CC: Final = "cc"
SUBJECT: Final = "subject"
OTHER: Final = "other"

_LABELS: Final[dict[str, str]] = {
    FROM: """
        from|sender|sent by
        von|absender|de|expéditeur|da|mittente|remitente|remetente|desde
        van|afzender|från|avsändare|fra|avsender|afsender|frá|lähettäjä|saatja
        od|nadawca|odesílatel|odosielateľ|odosielatel|šalje|pošiljatelj|pošiljalac|nuo|no
        от|от кого|отправитель|від|від кого|відправник|подател|ад|од
        kimden|gönderen|feladó|de la|expeditor|από|מאת|من|از
        发件人|寄件者|寄件人|发信人|差出人|送信者|送信元|from（差出人）|보낸 사람|보낸사람|보낸이|발신
        발신자
        từ|người gửi|dari|pengirim|จาก|de part de""",
    DATE: """
        date|sent|sent at|date sent|sent on|date/time
        gesendet|gesendet am|datum|gesendet:|datum/uhrzeit|envoyé|envoyé le|envoye|date d'envoi
        enviado|enviado el|fecha|fecha de envío|enviado em|enviada|enviada em|data|inviato|data invio
        data de envio
        verzonden|verstuurd|datum verzending|skickat|skickat den|skickades|sendt|dato|lähetetty|päiväys
        päivämäärä|pvm
        wysłano|wysłane|data wysłania|odesláno|odoslané|odoslane|dátum|poslano|poslato|saadetud|kuupäev
        išsiųsta|nosūtīts
        отправлено|дата|дата отправки|надіслано|надіслане|відправлено|изпратено|послато
        gönderildi|tarih|gönderilme tarihi|gönderme tarihi|elküldve|küldve|küldés dátuma|trimis|dată
        data trimiterii
        ημερομηνία|στάλθηκε|απεστάλη|נשלח|תאריך|بتاريخ|تاريخ|تم الإرسال|التاريخ|تاريخ الإرسال|تاریخ
        发送时间|发送日期|发件时间|日期|时间|寄件日期|傳送日期|傳送時間|日期時間|送信日時|日時|日付|送信日
        보낸 날짜|보낸날짜|보낸 시간|날짜|작성일|발신일|일시
        ngày|đã gửi|gửi|dikirim|tanggal|ส่ง|ส่งเมื่อ|วันที่|enviat""",
    TO: """
        to|recipient
        an|empfänger|à|a|destinataire|destinataires|para|destinatario|destinatário|per
        aan|ontvanger|till|til|mottagare|mottaker|modtager|vastaanottaja|saaja|til modtager
        do|komu|pro|adresat|adresát|prima|za|kam|kellele|adressaat
        кому|получатель|куда|до|одержувач|за
        kime|alıcı|címzett|către|catre|la|προς|אל|إلى|الى|به
        收件人|收件者|发给|宛先|送信先|받는 사람|받는사람|받는이|수신|수신자
        đến|tới|người nhận|kepada|ke|untuk|ถึง|per a""",
    CC: """
        cc|kopie|kopie (cc)|copie|copie à|copia|cópia|kopia|kopi|kopio|dw|do wiadomości|másolat
        másolatot kap
        kópia|копия|копія|копие|bilgi|κοιν|κοινοποίηση|עותק|نسخة|抄送|副本|副本抄送|参照|참조|đồng gửi
        tembusan|สำเนา""",
    SUBJECT: """
        subject|re
        betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|efni|aihe|otsikko
        temat|předmět|predmet|zadeva|naslov|tema|teema|тема|предмет|відносно|относно
        konu|tárgy|subiect|θέμα|נושא|الموضوع|موضوع|主题|主題|主旨|标题|件名|題名|제목
        chủ đề|tiêu đề|subjek|perihal|เรื่อง|หัวเรื่อง|assumpte""",
    OTHER: """
        bcc|reply-to|reply to|antwort an|répondre à|responder a|rispondi a|antwoord aan|importance
        priority|sensitivity
        wichtigkeit|priorität|importancia|priorité|priorità|prioriteit|organization|organisation
        message-id
        attachments|attach|anlagen|anhänge|pièces jointes|datos adjuntos|allegati|bijlagen|bilagor
        załączniki
        вложения|附件|添付ファイル|답장 받는 사람|mailed-by|signed-by|newsgroups|ответить|回复""",
}

_WROTE: Final = """
    wrote|writes|has written|wrote on|said|quoting|zitat von|citando|citando a|citation de
    schrieb|schreibt|geschrieben|hat geschrieben
    a écrit|écrit|ecrit|a ecrit|écrivit
    escribió|escribio|escribe|ha escrito|va escriure|ha escrit|escribiu|idatzi du
    ha scritto|scrive|scriveva|scrisse
    escreveu|escreve
    schreef|geschreven
    skrev|skriver|skreiv|har skrivit|skrifaði
    kirjoitti|kirjutas|kirjoittaa
    napisał|napisała|napisał(a)|pisze|napisał/a
    napsal|napsala|napsal(a)|napísal|napísala|napísal(a)|píše|napisao|napisala|je napisao|napisao/la
    napisal|napisal/-a
    написал|написала|написал(а)|пишет|писал|писала|написав|написала|написав(-ла)|пише|написа|написао
    је написао|напісаў
    yazdı|yazmış|şunu yazdı|şunları yazdı|yazıyor
    写道|寫道|写到|寫到|写|提到
    書きました|は書きました|のメール|のメッセージ|wrote（
    작성|작성했습니다|썼습니다|쓴 글|님이 쓴 글|님이 작성
    írta|ezt írta|a következőt írta
    a scris|scrie
    έγραψε|έγραψαν|γράφει
    כתב|כתבה|כתב/ה|מאת
    đã viết|viết
    menulis|tulis|telah menulis
    เขียน|เขียนว่า
    كتب|كتبت|نوشت
    rašė|parašė|rakstīja|uzrakstīja"""

_OPENERS: Final = """
    on|at|in message|in article|quoting|zitat von|citando|citando a|citation de|cytat|cytuję|цитирую
    am|le|el|il|il giorno|in data|em|no dia|op|den|på|dne|dňa|dna|w dniu|dnia|pada|ngày|vào|vào ngày|lúc
    στις|la data de|pe data de|în|date|в|у|на|tarihinde|в сообщении|кому|on behalf of|el día|a
    em data de|în data de
    בתאריך|ב-|ในวันที่|เมื่อ|في|在|于|於|日付|kl"""

_ORIGINAL: Final = """
    original message|original email|original mail|original e-mail|reply message|original
    original appointment
    replied message|original text|response message
    ursprüngliche nachricht|originalnachricht|ursprüngliche mail|original-nachricht|original nachricht
    antwort nachricht
    message d'origine|message d’origine|message original|message initial|message d'origine
    mensaje original|mensaje de origen|mensaje inicial|messaggio originale|mensagem original
    missatge original
    oorspronkelijk bericht|origineel bericht|oorspronkelijke bericht|ursprungligt meddelande
    originalmeddelande
    oprindelig meddelelse|original meddelelse|original besked|oprindelig besked|opprinnelig melding
    original melding|opprinnelig e-post|alkuperäinen viesti|upprunaleg skilaboð
    wiadomość oryginalna|oryginalna wiadomość|wiadomość pierwotna|pierwotna wiadomość|původní zpráva
    původní e-mail
    pôvodná správa|pôvodný e-mail|izvorna poruka|originalna poruka|izvirno sporočilo|originalno sporočilo
    исходное сообщение|исходное письмо|оригинальное сообщение|первоначальное сообщение
    вихідне повідомлення
    оригінальне повідомлення|початкове повідомлення|оригинално съобщение
    özgün ileti|orijinal mesaj|orjinal mesaj|orijinal ileti|eredeti üzenet|mesajul original
    mesaj original|αρχικό μήνυμα
    הודעה מקורית|הודעה מקורית-|الرسالة الأصلية|رسالة أصلية|پیام اصلی
    原始邮件|邮件原件|原邮件|原始郵件|原始信件|回复的原邮件|原始訊息|元のメッセージ|元のメール
    オリジナルメッセージ
    원본 메시지|원본 메일|원본메일|원본 이메일|원본메시지|thư gốc|tin nhắn gốc|thông điệp gốc|pesan asli
    pesan awal|ข้อความต้นฉบับ|ข้อความเดิม
    algne kiri|pradinis laiškas|sākotnējais ziņojums"""

_FORWARDED: Final = """
    forwarded message|forwarded mail|forwarded email|forwarded e-mail|begin forwarded message|forwarded
    fwd
    start of forwarded message|forward message|forwarding messages|forwarded appointment
    forwarding message
    weitergeleitete nachricht|weitergeleitete mail|anfang der weitergeleiteten nachricht
    anfang der weitergeleiteten e-mail
    weitergeleitete e-mail|beginn der weitergeleiteten nachricht
    message transféré|message transmis|début du message réexpédié|début du message transféré
    mail transféré|message réexpédié
    mensaje reenviado|inicio del mensaje reenviado|comienzo del mensaje reenviado|mensaje enviado
    missatge reenviat
    messaggio inoltrato|inizio messaggio inoltrato|inizio del messaggio inoltrato|mail inoltrata
    mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada
    início da mensagem reencaminhada
    doorgestuurd bericht|begin doorgestuurd bericht|begin van doorgestuurd bericht|doorgezonden bericht
    vidarebefordrat meddelande|vidarebefordrade brev|vidarebefordrat brev|vidarebefordrat mejl
    vidarebefordrat e-postmeddelande
    videresendt besked|videresendt meddelelse|start på videresendt besked
    start på videresendt meddelelse|videresendt melding
    videresendt e-post|begynnelse på videresendt melding|start på videresendt melding
    start på videresendt e-post
    videresendt mail|påbegynt videresendt e-post|videresendt e-mail
    välitetty viesti|edelleenlähetetty viesti|välitetty viesti alkaa|välitetyn viestin alku
    áframsend skilaboð
    wiadomość przekazana|przekazana wiadomość|treść przekazanej wiadomości
    treść przekazywanej wiadomości|początek przekazanej wiadomości
    przeposlaná zpráva|přeposlaná zpráva|předaná zpráva|začátek přeposlané zprávy|začátek předávané zprávy
    přeposlaný e-mail|preposlaná správa|začiatok preposlanej správy|preposlaný e-mail|preposlaný email
    proslijeđena poruka|započni proslijeđenu poruku|prosleđena poruka|posredovano sporočilo
    пересланное сообщение|переадресованное сообщение|пересылаемое сообщение
    начало переадресованного сообщения
    начало пересланного сообщения|пересланное письмо|пересылаемое письмо|переслане повідомлення
    перенаправлене повідомлення
    початок переадресованого повідомлення|початок листа, що пересилається|препратено съобщение
    прослеђена порука
    yönlendirilen mesaj|iletilen mesaj|iletilmiş mesaj|yönlendirilmiş ileti|iletilen ileti
    iletilen e-postanın başlangıcı
    yönlendirilen ileti|továbbított üzenet|továbbított levél|továbbított levél kezdete
    a továbbított üzenet kezdete
    mesaj redirecționat|mesaj redirectionat|mesaj retrimis|începutul mesajului redirecționat
    mesajul redirecționat
    προωθημένο μήνυμα|αρχή προωθημένου μηνύματος|προωθούμενο μήνυμα|הודעה שהועברה|תחילת ההודעה שהועברה
    رسالة محولة|رسالة معاد توجيهها
    بداية الرسالة المعاد توجيهها|پیام ارجاع داده شده
    转发的邮件|转发邮件信息|转发邮件|已转发的邮件|被转发邮件|下面是被转发的邮件|開始轉寄訊息|轉寄的郵件
    轉寄郵件|轉寄的信件|转发的原始邮件|转发的消息
    轉寄郵件內容|以下是轉寄的郵件|開始轉寄郵件
    転送メッセージ|転送されたメッセージ|転送済みのメッセージ|転送メール
    以下に転送されたメッセージがあります|次のメッセージが転送されました|転送されたメール
    전달된 메시지|전달된 메일|전달 메시지|전달된 이메일|전달한 메시지 시작|전달한 메일
    thư được chuyển tiếp|tin nhắn được chuyển tiếp|thư đã chuyển tiếp|bắt đầu thư được chuyển tiếp
    thư chuyển tiếp|thông điệp được chuyển tiếp
    pesan terusan|pesan yang diteruskan|pesan diteruskan|awal pesan yang diteruskan|ข้อความที่ส่งต่อ
    ข้อความที่ถูกส่งต่อ|เริ่มต้นข้อความที่ส่งต่อ
    początek przekazywanej wiadomości|začátek přeposílané zprávy|početak proslijeđene poruke
    початок переадресованого листа|ileti başlangıcı|iletilen mesajın başlangıcı|a továbbított üzenet eleje
    以下は転送されたメッセージです|전달된 메시지 시작|mulai pesan yang diteruskan
    inici del missatge reenviat
    edastatud kiri|persiųstas laiškas|pārsūtīts ziņojums"""

# Parts of words that say "forwarded" between two drawn rules.
_FORWARDED_STEMS: Final = """
    forward|weitergeleitet|transféré|transmis|réexpédi|reenviad|inoltrat|encaminhad|doorgestuur
    doorgezonden
    vidarebefordra|videresend|välitet|edelleenlähet|przekaz|přepos|předáv|předan|preposl|пересл|пересыл
    перенаправ|переадрес|препрат|прослеђ|yönlendir|iletil|továbbít|redirecț|redirect|retrimis|προωθ
    转发|轉寄|轉發|転送|전달|הועבר|توجيه|محول|محوّل|ارجاع|chuyển tiếp|terusan|diteruskan|ส่งต่อ
    proslijeđ|prosleđ
    posredovan|reenviat|áframsend|edastat|persiųst|pārsūtīt"""

# What help desks write above the text that they quote.
_REPLY_ABOVE: Final = """
    reply above this line|reply above the line|your reply above|reply above this|write above this line
    type above this line|reply above the dotted line|respond above this line|replies above this line
    oberhalb dieser linie|über dieser linie antworten|au-dessus de cette ligne|encima de esta línea
    sopra questa riga|sopra questa linea|acima desta linha|boven deze regel|boven deze lijn
    ovanför denna linje|ovanför den här raden|over denne linje|powyżej tej linii|nad tímto řádkem
    выше этой строки
    выше этой линии|bu satırın üst|この行より上|この線より上|请在此行上方|请在此线上方"""

# What stands in brackets where a client left the quote out.
_LEFT_OUT: Final = """
    quoted text hidden|zitierter text ausgeblendet|texte des messages précédents masqué
    el texto citado está oculto
    testo tra virgolette nascosto|texto das mensagens anteriores oculto
    tekst uit oorspronkelijke bericht is verborgen
    cytowany tekst został ukryty|цитируемый текст скрыт"""

# Lotus Notes: "----- Forwarded by Jane Doe/Sales on 01.03.2025 10:00 -----"
_FORWARDED_BY: Final = """
    forwarded by|weitergeleitet von|transféré par|réacheminé par|reenviado por|encaminhado por
    inoltrato da|doorgestuurd door
    vidarebefordrat av|videresendt av|videresendt af|przesłane przez|přeposlal|転送者"""

# What stands before the name of a device or program. The line is short, and the last of its text.
_SENT_FROM: Final = """
    sent from my|sent from|sent via|sent with|sent using|sent on the|sent on|get outlook for
    get bluemail for|composed on
    sent by|typed on my|written on my|dictated on my|sent through|this message was sent from my
    von meinem|von meiner|gesendet von|gesendet mit|gesendet mit der|gesendet über
    von unterwegs gesendet|diese nachricht wurde von meinem
    holen sie sich outlook für|outlook für|outlook für ios beziehen|von samsung|von outlook für
    gesendet aus
    envoyé de|envoyé de mon|envoyé depuis|envoyé à partir de|envoyé d'un|envoyé par|envoyé avec
    télécharger outlook pour|obtenir outlook pour
    provenance : courrier pour|provenance\xa0: courrier pour|envoyé du
    enviado desde mi|enviado desde|enviado de mi|enviado con|enviado mediante|obtener outlook para
    obtén outlook para
    enviado do|enviado do meu|enviado a partir de|enviado a partir do|enviado pelo|enviado através
    obter o outlook para|enviado via
    enviada do meu|baixar o outlook para|enviat des de|enviat des del meu
    inviato da|inviato dal|inviato dal mio|inviato con|inviato tramite|ottieni outlook per
    scarica outlook per
    verzonden vanaf|verzonden vanuit|verstuurd vanaf|verstuurd vanaf mijn|verstuurd van|verzonden met
    verzonden via|outlook voor
    download outlook voor|vanaf mijn|outlook downloaden voor
    skickat från|skickat från min|skickad från|hämta outlook för|skickat med
    sendt fra|sendt fra min|sendt med|hent outlook til|hent outlook for|få outlook til|få outlook for
    send fra min
    lähetetty|hanki outlook
    wysłane z|wysłano z|wysłane przy użyciu|pobierz aplikację outlook|uzyskaj outlook|wysłane za pomocą
    wysłane przez
    odesláno z|odesláno pomocí|odoslané z|odoslané zo|odoslané pomocou|získat outlook|získejte outlook
    stáhnout outlook|získať outlook|poslano z|poslano s
    отправлено с|отправлено из|отправлено со|скачать outlook|получить outlook|отправлено через
    отправлено от|послано с
    надіслано з|надіслано із|відправлено з|отримати outlook|завантажити outlook|изпратено от|послато са
    gönderildi|outlook'u edinin|küldve|elküldve|trimis de pe|trimis din|trimis de la|obțineți outlook
    az iphone-omról küldve
    στάλθηκε από|εστάλη από|απεστάλη από|נשלח מה|נשלח מ|أرسلت من|أُرسلت من|تم الإرسال من|مرسل من
    发自我的|发自|发送自|來自我的|从我的|從我的|寄自我的|傳送自|取得 outlook|获取 outlook|獲取 outlook
    通过我的|發自我的|傳自我的
    나의|내|gửi từ|được gửi từ|đã gửi từ|dikirim dari|dapatkan outlook|ส่งจาก|ส่งจากของฉัน|saadetud minu
    išsiųsta iš|nosūtīts no"""

# What stands after the name of a device where the verb comes last.
_SENT_FROM_ENDS: Final = """
    gesendet|verzonden|verstuurd|sent from my mobile|gönderildi|から送信|からの送信|から送信しました
    から送信されました|を入手|에서 보냄|에서 보낸 메일|에서 전송됨|에서 보냈습니다
    傳送|传送|发送|發送|寄出|küldve|beziehen|downloaden|edinin|lähetetty|laitteesta|aplikaciji"""

_DEVICES: Final = """
    iphone|ipad|ipod|android|blackberry|samsung|galaxy|nokia|lumia|windows phone|windows mobile|windows
    xiaomi|huawei|htc|sony
    xperia|motorola|oneplus|pixel|nexus|mobile|handy|smartphone|tablet|telefon|téléphone|telefono
    teléfono|phone|mobil|mobiltelefon
    outlook|yahoo|gmail|mail|proton|protonmail|zimbra|spark|bluemail|airmail|thunderbird|aol|gmx|web.de
    k-9|ios|mac|watch|telefone
    palm|treo|verizon|at&t|t-mobile|vodafone|wireless|handheld|device|mobiele|puhelin|puhelimesta
    телефон|телефона|iphone'umdan|手机|手機|휴대폰
    смартфон|смартфона|смартфону|приложения|iphone-omról|iphone'dan|ipad'imden|mobilen|mobiltelefonen
    realme|oppo|vivo|redmi|honor|asus|lg|tab|мобильного|мобільного
    apparaat|gerät|appareil|dispositivo|urządzenia|zařízení|zariadenia|cihazımdan|устройства|пристрою
    móvil|celular|cellulare|telemóvel|portable|mobiel|ヤフー|스마트폰"""


def fold(text: str) -> str:
    """Fold a short text for comparison with the tables: case, composed accents, the Turkish dotted i."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.casefold().replace("i\u0307", "i"))


def _phrases(table: str) -> frozenset[str]:
    """Split a table into its phrases, folded."""
    phrases = (fold(phrase.strip()) for line in table.splitlines() for phrase in line.split("|"))
    return frozenset(phrase for phrase in phrases if phrase)


def _by_length(phrases: frozenset[str]) -> tuple[str, ...]:
    """Order phrases longest first, so that the first match is the best."""
    return tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))


LABELS: Final[dict[str, str]] = {label: kind for kind in _LABELS for label in sorted(_phrases(_LABELS[kind]))}
"""Header label, casefolded → which field it names."""

WROTE: Final = _phrases(_WROTE)
"""What an attribution line says its author did."""

OPENERS: Final = _phrases(_OPENERS)
"""The words that an attribution line begins with."""

ORIGINAL: Final = _phrases(_ORIGINAL)
"""What a separator above an answered mail says."""

ORIGINAL_STARTS: Final = _by_length(ORIGINAL - {"original"})

FORWARDED: Final = _phrases(_FORWARDED)
"""What a separator above a forwarded mail says."""

LEFT_OUT: Final = _phrases(_LEFT_OUT)
"""What a client writes in brackets where it left the quote out."""

FORWARDED_STEMS: Final = _by_length(_phrases(_FORWARDED_STEMS))
REPLY_ABOVE: Final = _by_length(_phrases(_REPLY_ABOVE))
"""What help desks write above what they quote, as part of a line."""

FORWARDED_BY: Final = _by_length(_phrases(_FORWARDED_BY))
SENT_FROM: Final = _by_length(_phrases(_SENT_FROM))
SENT_FROM_ENDS: Final = _by_length(_phrases(_SENT_FROM_ENDS))
DEVICES: Final = _phrases(_DEVICES)

FORWARD_PREFIXES: Final = _phrases("""
    fw|fwd|fwd.|forward|forwarded|wg|wtr|tr|tr |rv|rm|i|inoltro|enc|encaminhado|res enc|rvd|doorst|dwd
    vb|vs|vl|vd|pd|fs
    přep|před|prep|fwd:|пересл|переслано|пер|на|ил|ilt|ynl|ilet|továbbítás|tov|továbbítva|redirecționat
    πρθ|προωθ|הועבר|העברה
    إعادة توجيه|转发|转寄|轉寄|轉發|転送|전달|chuyển tiếp|trs|terusan|ส่งต่อ|videresendt|edast""")
"""What stands before the colon in the subject of a forwarded mail."""
