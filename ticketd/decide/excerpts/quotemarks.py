"""The words by which mail clients mark what is quoted or forwarded: tables, no code.

Each holds the phrases of the common clients (Gmail, Outlook, Apple Mail, Thunderbird, Yahoo, Samsung, QQ,
Lotus Notes and others), folded, one line a language or so. Of the labels of header lines ``labels`` has
the table. It knows nothing of how a line is read: ``quotelines`` and ``attribution`` do.
"""

from __future__ import annotations

from typing import Final

from ticketd.decide.excerpts.phrases import longest_first, phrases

# What an attribution line says its author did.
WROTE: Final = phrases("""
    wrote|writes|has written|wrote on|quoting|zitat von|citando|citando a|citation de
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
    写道|寫道|写到|寫到
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
    rašė|parašė|rakstīja|uzrakstīja""")

# The words that an attribution line begins with.
OPENERS: Final = phrases("""
    on|at|in message|in article|quoting|zitat von|citando|citando a|citation de|cytat|cytuję|цитирую
    am|le|el|il|il giorno|in data|em|no dia|op|den|på|dne|dňa|dna|w dniu|dnia|pada|ngày|vào|vào ngày|lúc
    στις|la data de|pe data de|în|date|в|у|на|tarihinde|в сообщении|кому|on behalf of|el día
    em data de|în data de
    בתאריך|ב-|ในวันที่|เมื่อ|في|在|于|於|日付|kl""")

# What a separator above an answered mail says.
ORIGINAL: Final = phrases("""
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
    algne kiri|pradinis laiškas|sākotnējais ziņojums""")

# What a separator above a forwarded mail says.
FORWARDED: Final = phrases("""
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
    edastatud kiri|persiųstas laiškas|pārsūtīts ziņojums""")

ORIGINAL_STARTS: Final = longest_first(ORIGINAL - {"original"})

# Parts of words that say "forwarded" between two drawn rules.
FORWARDED_STEMS: Final = longest_first(
    phrases("""
    forward|weitergeleitet|transféré|transmis|réexpédi|reenviad|inoltrat|encaminhad|doorgestuur
    doorgezonden
    vidarebefordra|videresend|välitet|edelleenlähet|przekaz|přepos|předáv|předan|preposl|пересл|пересыл
    перенаправ|переадрес|препрат|прослеђ|yönlendir|iletil|továbbít|redirecț|redirect|retrimis|προωθ
    转发|轉寄|轉發|転送|전달|הועבר|توجيه|محول|محوّل|ارجاع|chuyển tiếp|terusan|diteruskan|ส่งต่อ
    proslijeđ|prosleđ
    posredovan|reenviat|áframsend|edastat|persiųst|pārsūtīt""")
)

# What help desks write above the text that they quote.
REPLY_ABOVE: Final = longest_first(
    phrases("""
    reply above this line|reply above the line|your reply above|reply above this|write above this line
    type above this line|reply above the dotted line|respond above this line|replies above this line
    oberhalb dieser linie|über dieser linie antworten|au-dessus de cette ligne|encima de esta línea
    sopra questa riga|sopra questa linea|acima desta linha|boven deze regel|boven deze lijn
    ovanför denna linje|ovanför den här raden|over denne linje|powyżej tej linii|nad tímto řádkem
    выше этой строки
    выше этой линии|bu satırın üst|この行より上|この線より上|请在此行上方|请在此线上方""")
)

# What stands in brackets where a client left the quote out.
LEFT_OUT: Final = phrases("""
    quoted text hidden|zitierter text ausgeblendet|texte des messages précédents masqué
    el texto citado está oculto
    testo tra virgolette nascosto|texto das mensagens anteriores oculto
    tekst uit oorspronkelijke bericht is verborgen
    cytowany tekst został ukryty|цитируемый текст скрыт""")

# Lotus Notes: "----- Forwarded by Jane Doe/Sales on 01.03.2025 10:00 -----"
FORWARDED_BY: Final = longest_first(
    phrases("""
    forwarded by|weitergeleitet von|transféré par|réacheminé par|reenviado por|encaminhado por
    inoltrato da|doorgestuurd door
    vidarebefordrat av|videresendt av|videresendt af|przesłane przez|přeposlal|転送者""")
)

# What stands before the colon in the subject of a forwarded mail.
FORWARD_PREFIXES: Final = phrases("""
    fw|fwd|fwd.|forward|forwarded|wg|wtr|tr|tr |rv|rm|i|inoltro|enc|encaminhado|res enc|rvd|doorst|dwd
    vb|vs|vl|vd|pd|fs
    přep|před|prep|fwd:|пересл|переслано|пер|на|ил|ilt|ynl|ilet|továbbítás|tov|továbbítva|redirecționat
    πρθ|προωθ|הועבר|העברה
    إعادة توجيه|转发|转寄|轉寄|轉發|転送|전달|chuyển tiếp|trs|terusan|ส่งต่อ|videresendt|edast""")
