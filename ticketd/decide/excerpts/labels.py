"""The labels of header lines as mail clients translate them, in some thirty-five languages: a table, no code.

The fields are those of RFC 5322 §3.6. It knows nothing of how a line is read: ``headerblock`` does.
"""

from __future__ import annotations

from typing import Final

from ticketd.decide.excerpts.phrases import phrases

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
        an|empfänger|à|a|pour|destinataire|destinataires|para|destinatario|destinatário|per
        aan|ontvanger|till|til|mottagare|mottaker|modtager|vastaanottaja|saaja|til modtager
        do|komu|pro|adresat|adresát|prima|za|kam|kellele|adressaat
        кому|получатель|куда|до|одержувач|за
        kime|alıcı|címzett|către|catre|la|προς|אל|إلى|الى|به
        收件人|收件者|发给|宛先|送信先|받는 사람|받는사람|받는이|수신|수신자
        đến|tới|người nhận|kepada|ke|untuk|ถึง|per a""",
    CC: """
        cc|kopie|kopie (cc)|copie|copie à|copia|cópia|kopia|kopi|kopio|dw|kopia (dw)|kopia do
        do wiadomości|copia a|copia per conoscenza|con copia|com cópia|cópia para|kopie aan|kopia till
        kopi til
        másolat|másolatot kap|kópia|kopija|kp|în copie|copie către|a/c|còpia|còpia a
        копия|копія|копие|bilgi|kopya|κοιν|κοινοποίηση|עותק|نسخة|抄送|副本|副本抄送|参照|참조|đồng gửi
        tembusan|สำเนา""",
    SUBJECT: """
        subject|re
        betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|efni|aihe|otsikko
        temat|předmět|predmet|zadeva|naslov|tema|teema|тема|предмет|відносно|относно
        konu|tárgy|subiect|θέμα|נושא|الموضوع|موضوع|主题|主題|主旨|标题|件名|題名|제목
        chủ đề|tiêu đề|subjek|perihal|เรื่อง|หัวเรื่อง|assumpte""",
    OTHER: """
        bcc|reply-to|reply to|importance|priority|sensitivity
        antwort an|répondre à|responder a|responder para|rispondi a|antwoord aan|antwoord-naar|antwoord naar
        odpowiedź do|odpowiedz do|odpověď komu|odpovědět komu|odpověď|odpoveď komu|odpovedať na|svar til
        svara till|svar till|vastausosoite|vastaa|válaszcím|válasz|răspunde la|yanıt adresi|yanıtla
        yanıt|απάντηση σε|απάντηση προς|ответ для|обратный адрес|ответить на|відповісти|відповідь для
        зворотна адреса|respon a|respon-a|odgovor na|odgovori|השב אל|מענה אל|返信先|回复至|回复给|回复地址
        回覆|回覆至|回信地址|답장|답장 주소|회신|회신 주소
        blindkopie|blindkopie (bcc)|copie cachée|copie cachée à|cci|copia oculta|copia nascosta|ccn|cco
        cópia oculta|ukryta kopia|udw|ukryta kopia (udw)|skrytá kopie|skrytá kópia|rejtett másolat
        hemlig kopia|dold kopia|blindkopi|piilokopio|copie ascunsă|gizli|gizli kopya
        κρυφή κοινοποίηση|ιδιαίτερη κοινοποίηση|скрытая копия|прихована копія|skrita kopija|skp
        skrivena kopija|c/o|còpia oculta|עותק נסתר|密送|密件抄送|密件副本|숨은 참조|숨은참조
        wichtigkeit|priorität|importancia|priorité|priorità|prioriteit|organization|organisation
        message-id
        attachments|attach|anlagen|anhänge|pièces jointes|datos adjuntos|allegati|bijlagen|bilagor
        załączniki
        вложения|附件|添付ファイル|답장 받는 사람|mailed-by|signed-by|newsgroups|ответить|回复""",
}

LABELS: Final[dict[str, str]] = {label: kind for kind in _LABELS for label in sorted(phrases(_LABELS[kind]))}
"""Label, folded → which field it names."""
