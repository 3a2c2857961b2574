DELETE FROM customer_snapshots
WHERE
    business_date = (SELECT customers_date FROM load_run)
    AND (SELECT has_newest_customers FROM load_run)
