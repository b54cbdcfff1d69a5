-- Letters that name somebody keep what failed, when and why, and lose the answer; a name elsewhere becomes ghost.
-- Answers that are no UTF-8 are kept as base64 and are searched as bytes, in the spelling given.
update dead_letter_queue.letters set
    body = null,
    body_encoding = null,
    request = regexp_replace(request::text, %(pattern)s, 'ghost', 'gi')::jsonb,
    headers = regexp_replace(headers::text, %(pattern)s, 'ghost', 'gi')::jsonb,
    message = regexp_replace(message, %(pattern)s, 'ghost', 'gi'),
    note = regexp_replace(note, %(pattern)s, 'ghost', 'gi')
where concat_ws(' ', request::text, headers::text, message, note) ~* %(pattern)s
    or (body_encoding = 'utf-8' and body ~* %(pattern)s)
    or (body_encoding = 'base64' and position(convert_to(%(login)s, 'UTF8') in decode(body, 'base64')) > 0)
returning *
