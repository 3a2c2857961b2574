SELECT NULLIF(LISTAGG(problem, '; ') WITHIN GROUP (ORDER BY problem), '') AS reason
FROM load_problem
