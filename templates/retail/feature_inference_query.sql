-- The features of a product at a location in its latest week, for a call of /run with both.
SELECT
    location,
    product_id,
    week,
    price,
    promotion
FROM demand
WHERE location = :location AND product_id = :product_id
    AND week = (
        SELECT MAX(week)
        FROM demand
        WHERE location = :location AND product_id = :product_id
    )
